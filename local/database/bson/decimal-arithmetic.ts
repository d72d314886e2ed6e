import {
  DECIMAL_DIGITS,
  DECIMAL_NAN,
  type Decimal,
  digitCount,
  finite,
  infinity,
  power10,
  roundDecimal,
  shiftRight,
} from './decimal.ts'

// IEEE 754-2008 decimal arithmetic, as MongoDB's Decimal128 gives it: results keep the exponent that the operation
// prefers (1.50 + 1 is 2.50) and round half to even at 34 digits.

const signed = (value: Decimal): bigint => (value.negative ? -value.coefficient : value.coefficient)
const zero = (negative: boolean, exponent: number): Decimal => ({ kind: 'finite', negative, coefficient: 0n, exponent })

export function negate(value: Decimal): Decimal {
  return value.kind === 'nan' ? value : { ...value, negative: !value.negative }
}

export function addDecimals(a: Decimal, b: Decimal): Decimal {
  if (a.kind !== 'finite' || b.kind !== 'finite') {
    if (a.kind === 'nan' || b.kind === 'nan') return DECIMAL_NAN
    if (a.kind === 'infinity' && b.kind === 'infinity') return a.negative === b.negative ? a : DECIMAL_NAN
    return a.kind === 'infinity' ? a : b
  }
  const exponent = Math.min(a.exponent, b.exponent)
  const sum = signed(a) * power10(a.exponent - exponent) + signed(b) * power10(b.exponent - exponent)
  if (sum === 0n) return roundDecimal(zero(a.negative && b.negative, exponent))
  return roundDecimal(finite(sum, exponent))
}

export function subtractDecimals(a: Decimal, b: Decimal): Decimal {
  return addDecimals(a, negate(b))
}

export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  const negative = a.negative !== b.negative
  if (a.kind !== 'finite' || b.kind !== 'finite') {
    if (a.kind === 'nan' || b.kind === 'nan') return DECIMAL_NAN
    const other = a.kind === 'infinity' ? b : a
    return other.kind === 'finite' && other.coefficient === 0n ? DECIMAL_NAN : infinity(negative)
  }
  return roundDecimal({
    kind: 'finite',
    negative,
    coefficient: a.coefficient * b.coefficient,
    exponent: a.exponent + b.exponent,
  })
}

/** Division; x / 0 is infinity and 0 / 0 is NaN, which callers that refuse them check before. */
export function divideDecimals(a: Decimal, b: Decimal): Decimal {
  if (a.kind === 'nan' || b.kind === 'nan') return DECIMAL_NAN
  const negative = a.negative !== b.negative
  if (a.kind === 'infinity') return b.kind === 'infinity' ? DECIMAL_NAN : infinity(negative)
  if (b.kind === 'infinity') return roundDecimal(zero(negative, -6176))
  if (b.coefficient === 0n) return a.coefficient === 0n ? DECIMAL_NAN : infinity(negative)
  const preferred = a.exponent - b.exponent
  if (a.coefficient === 0n) return roundDecimal(zero(negative, preferred))
  const scale = Math.max(0, DECIMAL_DIGITS + 2 + digitCount(b.coefficient) - digitCount(a.coefficient))
  const numerator = a.coefficient * power10(scale)
  let coefficient = numerator / b.coefficient
  const inexact = coefficient * b.coefficient !== numerator
  let exponent = preferred - scale
  if (!inexact) {
    while (exponent < preferred && coefficient % 10n === 0n) {
      coefficient /= 10n
      exponent++
    }
  }
  return roundDecimal({ kind: 'finite', negative, coefficient, exponent }, inexact)
}

/** The remainder with the dividend's sign (C's fmod). */
export function remainderDecimals(a: Decimal, b: Decimal): Decimal {
  if (a.kind !== 'finite' || b.kind === 'nan') return DECIMAL_NAN
  if (b.kind === 'infinity') return a
  if (b.coefficient === 0n) return DECIMAL_NAN
  const exponent = Math.min(a.exponent, b.exponent)
  const left = a.coefficient * power10(a.exponent - exponent)
  const right = b.coefficient * power10(b.exponent - exponent)
  return roundDecimal({ kind: 'finite', negative: a.negative, coefficient: left % right, exponent })
}

export type RoundingMode = 'half-even' | 'down' | 'floor' | 'ceiling'

/** Rounds to a multiple of 10^exponent; a value that has no digits below it stays as it is. */
export function quantize(value: Decimal, exponent: number, mode: RoundingMode): Decimal {
  if (value.kind !== 'finite') return value
  if (value.exponent >= exponent) {
    const padded = { ...value, coefficient: value.coefficient * power10(value.exponent - exponent), exponent }
    return digitCount(padded.coefficient) > DECIMAL_DIGITS ? value : padded
  }
  const digits = exponent - value.exponent
  if (mode === 'half-even') return { ...value, coefficient: shiftRight(value.coefficient, digits), exponent }
  const divisor = power10(digits)
  let coefficient = value.coefficient / divisor
  const inexact = coefficient * divisor !== value.coefficient
  if (inexact && ((mode === 'floor' && value.negative) || (mode === 'ceiling' && !value.negative))) coefficient += 1n
  return { ...value, coefficient, exponent }
}

/** The square root at 34 digits; NaN below zero. */
export function squareRoot(value: Decimal): Decimal {
  if (value.kind === 'nan') return value
  if (value.kind === 'infinity') return value.negative ? DECIMAL_NAN : value
  if (value.coefficient === 0n) return { ...value, exponent: Math.floor(value.exponent / 2) }
  if (value.negative) return DECIMAL_NAN
  const preferred = Math.floor(value.exponent / 2)
  let scale = Math.max(0, 2 * (DECIMAL_DIGITS + 2) - digitCount(value.coefficient))
  if ((value.exponent - scale) % 2 !== 0) scale++
  const radicand = value.coefficient * power10(scale)
  let root = integerRoot(radicand)
  const inexact = root * root !== radicand
  let exponent = (value.exponent - scale) / 2
  if (!inexact) {
    while (exponent < preferred && root % 10n === 0n) {
      root /= 10n
      exponent++
    }
  }
  return roundDecimal({ kind: 'finite', negative: false, coefficient: root, exponent }, inexact)
}

function integerRoot(value: bigint): bigint {
  let guess = 10n ** BigInt(Math.ceil(digitCount(value) / 2))
  for (;;) {
    const next = (guess + value / guess) / 2n
    if (next >= guess) return guess
    guess = next
  }
}
