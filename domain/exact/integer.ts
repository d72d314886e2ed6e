/**
 * An integer of any size. App Services' engine has no `BigInt` (spec: function runtime 7), and money times rates times
 * counts leaves the 53 bits of a number, so the few operations that exact ratios need are here.
 */
export interface ExactInteger {
  readonly negative: boolean
  /** Base 10^7, least significant first, no leading zeros; zero is `[]`. */
  readonly limbs: readonly number[]
}

const base = 10_000_000
const digitsPerLimb = 7

export const zeroInteger: ExactInteger = { negative: false, limbs: [] }

function make(negative: boolean, limbs: number[]): ExactInteger {
  while (limbs.length > 0 && limbs[limbs.length - 1] === 0) limbs.pop()
  return { negative: negative && limbs.length > 0, limbs }
}

/** The integer that decimal digits with an optional leading `-` spell. @throws {RangeError} on anything else */
export function integerFromDigits(digits: string): ExactInteger {
  if (!/^-?\d+$/.test(digits)) throw new RangeError(`not an integer: ${digits}`)
  const negative = digits.startsWith('-')
  const magnitude = negative ? digits.slice(1) : digits
  const limbs: number[] = []
  for (let end = magnitude.length; end > 0; end -= digitsPerLimb)
    limbs.push(Number(magnitude.slice(Math.max(0, end - digitsPerLimb), end)))
  return make(negative, limbs)
}

/** @throws {RangeError} when `value` is not a safe integer */
export function integer(value: number): ExactInteger {
  if (!Number.isSafeInteger(value)) throw new RangeError(`not a safe integer: ${value}`)
  const limbs: number[] = []
  for (let rest = Math.abs(value); rest > 0; rest = Math.floor(rest / base)) limbs.push(rest % base)
  return make(value < 0, limbs)
}

function compareMagnitudes(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return a.length < b.length ? -1 : 1
  for (let index = a.length - 1; index >= 0; index--) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0)
    if (difference !== 0) return difference < 0 ? -1 : 1
  }
  return 0
}

function addMagnitudes(a: readonly number[], b: readonly number[]): number[] {
  const limbs: number[] = []
  let carry = 0
  for (let index = 0; index < Math.max(a.length, b.length) || carry > 0; index++) {
    const sum = (a[index] ?? 0) + (b[index] ?? 0) + carry
    limbs.push(sum % base)
    carry = Math.floor(sum / base)
  }
  return limbs
}

/** `a - b` for `a >= b`. */
function subtractMagnitudes(a: readonly number[], b: readonly number[]): number[] {
  const limbs: number[] = []
  let borrow = 0
  for (let index = 0; index < a.length; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0) - borrow
    borrow = difference < 0 ? 1 : 0
    limbs.push(difference + borrow * base)
  }
  return limbs
}

export function compareIntegers(a: ExactInteger, b: ExactInteger): number {
  if (a.negative !== b.negative) return a.negative ? -1 : 1
  const magnitude = compareMagnitudes(a.limbs, b.limbs)
  return a.negative ? 0 - magnitude : magnitude
}

export function addIntegers(a: ExactInteger, b: ExactInteger): ExactInteger {
  if (a.negative === b.negative) return make(a.negative, addMagnitudes(a.limbs, b.limbs))
  const order = compareMagnitudes(a.limbs, b.limbs)
  if (order === 0) return zeroInteger
  return order > 0
    ? make(a.negative, subtractMagnitudes(a.limbs, b.limbs))
    : make(b.negative, subtractMagnitudes(b.limbs, a.limbs))
}

export function negateInteger(value: ExactInteger): ExactInteger {
  return make(!value.negative, [...value.limbs])
}

export function multiplyIntegers(a: ExactInteger, b: ExactInteger): ExactInteger {
  const limbs = new Array<number>(a.limbs.length + b.limbs.length).fill(0)
  for (let i = 0; i < a.limbs.length; i++) {
    let carry = 0
    for (let j = 0; j < b.limbs.length || carry > 0; j++) {
      // At most 10^14 + 2 * 10^7: inside the 53 bits of a number.
      const sum = (limbs[i + j] ?? 0) + (a.limbs[i] ?? 0) * (b.limbs[j] ?? 0) + carry
      limbs[i + j] = sum % base
      carry = Math.floor(sum / base)
    }
  }
  return make(a.negative !== b.negative, limbs)
}

function timesSmall(limbs: readonly number[], factor: number): number[] {
  const product: number[] = []
  let carry = 0
  for (let index = 0; index < limbs.length || carry > 0; index++) {
    const sum = (limbs[index] ?? 0) * factor + carry
    product.push(sum % base)
    carry = Math.floor(sum / base)
  }
  while (product.length > 0 && product[product.length - 1] === 0) product.pop()
  return product
}

/** Quotient and remainder of the magnitudes; both non-negative. @throws {RangeError} when the divisor is zero */
export function divideMagnitudes(
  dividend: ExactInteger,
  divisor: ExactInteger,
): { quotient: ExactInteger; remainder: ExactInteger } {
  if (divisor.limbs.length === 0) throw new RangeError('division by zero')
  const quotient: number[] = []
  let remainder: number[] = []
  for (let index = dividend.limbs.length - 1; index >= 0; index--) {
    remainder.unshift(dividend.limbs[index] ?? 0)
    while (remainder.length > 0 && remainder[remainder.length - 1] === 0) remainder.pop()
    let low = 0
    let high = base - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (compareMagnitudes(timesSmall(divisor.limbs, middle), remainder) <= 0) low = middle
      else high = middle - 1
    }
    quotient.unshift(low)
    if (low > 0) {
      remainder = subtractMagnitudes(remainder, timesSmall(divisor.limbs, low))
      while (remainder.length > 0 && remainder[remainder.length - 1] === 0) remainder.pop()
    }
  }
  return { quotient: make(false, quotient), remainder: make(false, remainder) }
}

/** Decimal digits with a leading `-` when negative. */
export function digitsOf(value: ExactInteger): string {
  if (value.limbs.length === 0) return '0'
  const digits = value.limbs
    .map((limb, index) => (index === value.limbs.length - 1 ? String(limb) : String(limb).padStart(digitsPerLimb, '0')))
    .reverse()
    .join('')
  return value.negative ? `-${digits}` : digits
}
