interface Scaled {
  mantissa: bigint
  exponent: number
}

/**
 * Compares two BSON numbers of any types by value; NaN is below every number, as in MongoDB's order.
 *
 * @returns negative, 0 or positive
 */
export function compareNumbers(left: unknown, right: unknown): number {
  const a = toComparable(left)
  const b = toComparable(right)
  if (typeof a === 'object' || typeof b === 'object') return compareDecimals(a, b)
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(b)) - Number(Number.isNaN(a))
  return a < b ? -1 : a > b ? 1 : 0
}

/** The nearest JS number of a BSON number of any type. */
export function toNumber(value: unknown): number {
  const comparable = toComparable(value)
  return typeof comparable === 'object' ? Number(comparable.mantissa) * 10 ** comparable.exponent : Number(comparable)
}

function toComparable(value: unknown): number | bigint | Scaled {
  if (typeof value === 'number' || typeof value === 'bigint') return value
  const text = String(value)
  if (/^-?\d+$/.test(text)) return BigInt(text)
  const decimal = /^(-?)(\d+)(?:\.(\d+))?(?:E([+-]?\d+))?$/i.exec(text)
  if (!decimal || !isDecimal(value)) return Number(text)
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = decimal
  return { mantissa: BigInt(`${sign}${whole}${fraction}`), exponent: Number(exponent) - fraction.length }
}

function isDecimal(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '_bsontype' in value && value._bsontype === 'Decimal128'
}

function compareDecimals(a: number | bigint | Scaled, b: number | bigint | Scaled): number {
  const left = toScaled(a)
  const right = toScaled(b)
  if (left === undefined || right === undefined) return compareNumbers(toFloat(a), toFloat(b))
  // Far apart exponents would need numbers of thousands of digits; the nearest doubles already tell them apart.
  if (Math.abs(left.exponent - right.exponent) > 400) return compareNumbers(toFloat(a), toFloat(b))
  const exponent = Math.min(left.exponent, right.exponent)
  const l = left.mantissa * 10n ** BigInt(left.exponent - exponent)
  const r = right.mantissa * 10n ** BigInt(right.exponent - exponent)
  return l < r ? -1 : l > r ? 1 : 0
}

function toScaled(value: number | bigint | Scaled): Scaled | undefined {
  if (typeof value === 'object') return value
  if (typeof value === 'bigint') return { mantissa: value, exponent: 0 }
  if (!Number.isFinite(value)) return undefined
  // The exact decimal expansion of a double: times a power of two is times a power of ten over a power of five.
  let scaled = value
  let twos = 0
  while (!Number.isInteger(scaled)) {
    scaled *= 2
    twos++
  }
  return { mantissa: BigInt(scaled) * 5n ** BigInt(twos), exponent: -twos }
}

function toFloat(value: number | bigint | Scaled): number {
  return typeof value === 'object' ? Number(`${value.mantissa}e${value.exponent}`) : Number(value)
}
