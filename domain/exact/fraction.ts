import {
  addIntegers,
  compareIntegers,
  digitsOf,
  divideMagnitudes,
  type ExactInteger,
  integer,
  integerFromDigits,
  multiplyIntegers,
  negateInteger,
  zeroInteger,
} from './integer.ts'

/** An exact ratio; the denominator is positive. */
export interface Fraction {
  readonly numerator: ExactInteger
  readonly denominator: ExactInteger
}

const one = integer(1)

export const zeroFraction: Fraction = { numerator: zeroInteger, denominator: one }

/** `numerator / denominator` of two safe integers. @throws {RangeError} when the denominator is 0 */
export function fraction(numerator: number, denominator = 1): Fraction {
  if (denominator === 0) throw new RangeError('a fraction over zero')
  const sign = denominator < 0 ? -1 : 1
  return { numerator: integer(sign * numerator), denominator: integer(sign * denominator) }
}

/**
 * The exact value that a decimal text or the shortest decimal form of a number says: `0.1` is a tenth, not the double
 * nearest to it. Null when it is no finite decimal.
 */
export function fractionFromDecimal(value: number | string): Fraction | null {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(String(value).trim())
  if (match === null) return null
  const whole = match[2] ?? ''
  const decimals = match[3] ?? ''
  if (whole + decimals === '') return null
  const exponent = Number(match[4] ?? 0) - decimals.length
  // A Decimal128 reaches 10^6144; nothing that this product measures does, and the digits would only cost memory.
  if (Math.abs(exponent) > 400) return null
  const digits = integerFromDigits(`${match[1] === '-' ? '-' : ''}${whole}${decimals}`)
  const power = integerFromDigits(`1${'0'.repeat(Math.abs(exponent))}`)
  return exponent >= 0
    ? { numerator: multiplyIntegers(digits, power), denominator: one }
    : { numerator: digits, denominator: power }
}

export function addFractions(a: Fraction, b: Fraction): Fraction {
  if (compareIntegers(a.denominator, b.denominator) === 0)
    return { numerator: addIntegers(a.numerator, b.numerator), denominator: a.denominator }
  return {
    numerator: addIntegers(multiplyIntegers(a.numerator, b.denominator), multiplyIntegers(b.numerator, a.denominator)),
    denominator: multiplyIntegers(a.denominator, b.denominator),
  }
}

export function subtractFractions(a: Fraction, b: Fraction): Fraction {
  return addFractions(a, { numerator: negateInteger(b.numerator), denominator: b.denominator })
}

export function multiplyFractions(a: Fraction, b: Fraction): Fraction {
  return {
    numerator: multiplyIntegers(a.numerator, b.numerator),
    denominator: multiplyIntegers(a.denominator, b.denominator),
  }
}

/** @throws {RangeError} when `b` is zero */
export function divideFractions(a: Fraction, b: Fraction): Fraction {
  if (isZeroFraction(b)) throw new RangeError('division by zero')
  const numerator = multiplyIntegers(a.numerator, b.denominator)
  const denominator = multiplyIntegers(a.denominator, b.numerator)
  return denominator.negative
    ? { numerator: negateInteger(numerator), denominator: negateInteger(denominator) }
    : { numerator, denominator }
}

export function compareFractions(a: Fraction, b: Fraction): number {
  return compareIntegers(multiplyIntegers(a.numerator, b.denominator), multiplyIntegers(b.numerator, a.denominator))
}

export function isZeroFraction(value: Fraction): boolean {
  return value.numerator.limbs.length === 0
}

/** The nearest integer, halves away from zero. */
export function roundFraction(value: Fraction): ExactInteger {
  const { quotient, remainder } = divideMagnitudes(value.numerator, value.denominator)
  const up = compareIntegers(addIntegers(remainder, remainder), value.denominator) >= 0
  const magnitude = up ? addIntegers(quotient, one) : quotient
  return value.numerator.negative ? negateInteger(magnitude) : magnitude
}

/** The number with two decimals nearest to `value`, halves away from zero (spec: KPIs 1, rounding); never -0. */
export function roundToHundredths(value: Fraction): number {
  const hundredths = digitsOf(roundFraction(multiplyFractions(value, fraction(100))))
  const negative = hundredths.startsWith('-')
  const digits = (negative ? hundredths.slice(1) : hundredths).padStart(3, '0')
  const rounded = Number(`${digits.slice(0, -2)}.${digits.slice(-2)}`)
  return negative ? -rounded : rounded
}
