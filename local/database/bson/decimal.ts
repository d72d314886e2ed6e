import { Decimal128 } from 'bson'

/** A decimal taken apart: (-1)^negative * coefficient * 10^exponent; the exponent carries the trailing zeros. */
export interface Decimal {
  readonly kind: 'finite' | 'infinity' | 'nan'
  readonly negative: boolean
  readonly coefficient: bigint
  readonly exponent: number
}

/** Significant digits of a Decimal128. */
export const DECIMAL_DIGITS = 34
const MAX_EXPONENT = 6111
const MIN_EXPONENT = -6176
const BIAS = 6176n
const MAX_COEFFICIENT = 10n ** 34n - 1n

const POWERS: bigint[] = [1n]
export function power10(exponent: number): bigint {
  while (POWERS.length <= exponent && POWERS.length < 512) POWERS.push(POWERS[POWERS.length - 1]! * 10n)
  return POWERS[exponent] ?? 10n ** BigInt(exponent)
}

export const DECIMAL_NAN: Decimal = { kind: 'nan', negative: false, coefficient: 0n, exponent: 0 }
export const infinity = (negative: boolean): Decimal => ({ kind: 'infinity', negative, coefficient: 0n, exponent: 0 })

export function finite(signedCoefficient: bigint, exponent: number): Decimal {
  const negative = signedCoefficient < 0n
  return { kind: 'finite', negative, coefficient: negative ? -signedCoefficient : signedCoefficient, exponent }
}

/** Takes the 16 bytes apart (IEEE 754-2008, binary integer decimal). */
export function readDecimal(value: Decimal128): Decimal {
  const view = new DataView(value.bytes.buffer, value.bytes.byteOffset, 16)
  const low = view.getBigUint64(0, true)
  const high = view.getBigUint64(8, true)
  const negative = high >> 63n === 1n
  const combination = (high >> 58n) & 0x1fn
  if (combination === 0x1fn) return DECIMAL_NAN
  if (combination === 0x1en) return infinity(negative)
  if ((high >> 61n) & 1n && (high >> 62n) & 1n) {
    // Coefficients of this form exceed 34 digits and count as zero.
    return { kind: 'finite', negative, coefficient: 0n, exponent: Number(((high >> 47n) & 0x3fffn) - BIAS) }
  }
  let coefficient = ((high & 0x1ffffffffffffn) << 64n) | low
  if (coefficient > MAX_COEFFICIENT) coefficient = 0n
  return { kind: 'finite', negative, coefficient, exponent: Number(((high >> 49n) & 0x3fffn) - BIAS) }
}

/** Number of decimal digits of a non-negative integer; 1 for zero. */
export function digitCount(coefficient: bigint): number {
  return coefficient === 0n ? 1 : coefficient.toString().length
}

/** coefficient / 10^digits, rounded half to even; `sticky` says that something non-zero was already cut off below. */
export function shiftRight(coefficient: bigint, digits: number, sticky = false): bigint {
  if (digits <= 0) return coefficient
  const divisor = power10(digits)
  const quotient = coefficient / divisor
  const twice = (coefficient - quotient * divisor) * 2n
  if (twice > divisor || (twice === divisor && (sticky || quotient % 2n === 1n))) return quotient + 1n
  return quotient
}

/** Rounds to 34 digits and the exponent range, and packs; overflow gives infinity. */
export function writeDecimal(value: Decimal, sticky = false): Decimal128 {
  return pack(roundDecimal(value, sticky))
}

export function roundDecimal(value: Decimal, sticky = false): Decimal {
  if (value.kind !== 'finite') return value
  let { coefficient, exponent } = value
  let excess = Math.max(digitCount(coefficient) - DECIMAL_DIGITS, MIN_EXPONENT - exponent)
  if (excess > 0) {
    coefficient = excess > 6300 ? 0n : shiftRight(coefficient, excess, sticky)
    exponent += excess
    excess = digitCount(coefficient) - DECIMAL_DIGITS
    if (excess > 0) {
      coefficient = shiftRight(coefficient, excess)
      exponent += excess
    }
  }
  if (exponent > MAX_EXPONENT) {
    if (coefficient === 0n) exponent = MAX_EXPONENT
    else {
      const digits = digitCount(coefficient)
      const pad = exponent - MAX_EXPONENT
      if (digits + pad > DECIMAL_DIGITS) return infinity(value.negative)
      coefficient *= power10(pad)
      exponent = MAX_EXPONENT
    }
  }
  return { kind: 'finite', negative: value.negative, coefficient, exponent }
}

function pack(value: Decimal): Decimal128 {
  const sign = value.negative ? 1n << 63n : 0n
  let high: bigint
  let low = 0n
  if (value.kind === 'nan') high = 0x1fn << 58n
  else if (value.kind === 'infinity') high = sign | (0x1en << 58n)
  else {
    high = sign | ((BigInt(value.exponent) + BIAS) << 49n) | (value.coefficient >> 64n)
    low = value.coefficient & 0xffffffffffffffffn
  }
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, low, true)
  view.setBigUint64(8, high, true)
  return new Decimal128(bytes)
}

const signed = (value: Decimal): bigint => (value.negative ? -value.coefficient : value.coefficient)

/** The exact value of a finite double. */
export function exactDouble(value: number): Decimal {
  if (Number.isNaN(value)) return DECIMAL_NAN
  if (!Number.isFinite(value)) return infinity(value < 0)
  if (value === 0) return { kind: 'finite', negative: Object.is(value, -0), coefficient: 0n, exponent: 0 }
  const bits = new DataView(new ArrayBuffer(8))
  bits.setFloat64(0, Math.abs(value))
  const raw = bits.getBigUint64(0)
  const biased = Number(raw >> 52n)
  let mantissa = raw & 0xfffffffffffffn
  if (biased !== 0) mantissa |= 1n << 52n
  let exponent = Math.max(biased, 1) - 1075
  while (exponent < 0 && mantissa % 2n === 0n) {
    mantissa /= 2n
    exponent++
  }
  const negative = value < 0
  return exponent >= 0
    ? { kind: 'finite', negative, coefficient: mantissa << BigInt(exponent), exponent: 0 }
    : { kind: 'finite', negative, coefficient: mantissa * 5n ** BigInt(-exponent), exponent }
}

/** A double as MongoDB turns it into a decimal: 15 significant digits, no trailing zeros added. */
export function decimalFromDouble(value: number): Decimal {
  if (Number.isNaN(value)) return DECIMAL_NAN
  if (!Number.isFinite(value)) return infinity(value < 0)
  if (value === 0) return { kind: 'finite', negative: Object.is(value, -0), coefficient: 0n, exponent: 0 }
  const [digits = '', exponent = '0'] = Math.abs(value).toExponential(14).split('e')
  return {
    kind: 'finite',
    negative: value < 0,
    coefficient: BigInt(digits.replace('.', '')),
    exponent: Number(exponent) - 14,
  }
}

function compareFinite(a: Decimal, b: Decimal): number {
  if (a.coefficient === 0n && b.coefficient === 0n) return 0
  const left = signed(a)
  const right = signed(b)
  if (left < 0n !== right < 0n || left === 0n || right === 0n) return left < right ? -1 : 1
  const magnitude = digitCount(a.coefficient) + a.exponent - (digitCount(b.coefficient) + b.exponent)
  if (magnitude !== 0) return magnitude < 0 === left > 0n ? -1 : 1
  const shared = Math.min(a.exponent, b.exponent)
  const scaledLeft = left * power10(a.exponent - shared)
  const scaledRight = right * power10(b.exponent - shared)
  return scaledLeft < scaledRight ? -1 : scaledLeft > scaledRight ? 1 : 0
}

/** Mathematical order; NaN is below all and equal to itself. */
export function compareParts(a: Decimal, b: Decimal): number {
  if (a.kind === 'finite' && b.kind === 'finite') return compareFinite(a, b)
  const rank = (value: Decimal): number =>
    value.kind === 'nan' ? -2 : value.kind === 'infinity' ? (value.negative ? -1 : 1) : 0
  return Math.sign(rank(a) - rank(b))
}

export function compareDecimals(a: Decimal128, b: Decimal128): number {
  return compareParts(readDecimal(a), readDecimal(b))
}

export function compareDecimalWith(a: Decimal128, b: number | bigint): number {
  return compareParts(readDecimal(a), typeof b === 'bigint' ? finite(b, 0) : exactDouble(b))
}
