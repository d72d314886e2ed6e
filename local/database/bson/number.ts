import { type Decimal, decimalFromDouble, finite, power10, readDecimal, shiftRight, writeDecimal } from './decimal.ts'
import {
  addDecimals,
  divideDecimals,
  multiplyDecimals,
  remainderDecimals,
  subtractDecimals,
} from './decimal-arithmetic.ts'
import { Decimal128, Int32, int, type NumberValue } from './value.ts'

export const INT_MIN = -2147483648
export const INT_MAX = 2147483647
export const LONG_MIN = -(2n ** 63n)
export const LONG_MAX = 2n ** 63n - 1n

export function fitsLong(value: bigint): boolean {
  return value >= LONG_MIN && value <= LONG_MAX
}

/** An int if it fits, else a long. */
export function intOrLong(value: number | bigint): Int32 | bigint {
  return value >= INT_MIN && value <= INT_MAX ? int(Number(value)) : BigInt(value)
}

export function toDouble(value: NumberValue): number {
  if (typeof value === 'number') return value
  if (value instanceof Int32) return value.value
  if (typeof value === 'bigint') return Number(value)
  return Number(value.toString())
}

export function toDecimal(value: NumberValue): Decimal {
  if (value instanceof Decimal128) return readDecimal(value)
  if (typeof value === 'number') return decimalFromDouble(value)
  return finite(BigInt(value instanceof Int32 ? value.value : value), 0)
}

const toBigInt = (value: Int32 | bigint): bigint => (typeof value === 'bigint' ? value : BigInt(value.value))

type Arithmetic = {
  readonly double: (a: number, b: number) => number
  readonly long: (a: bigint, b: bigint) => bigint
  readonly decimal: (a: Decimal, b: Decimal) => Decimal
}

const ADD: Arithmetic = { double: (a, b) => a + b, long: (a, b) => a + b, decimal: addDecimals }
const SUBTRACT: Arithmetic = { double: (a, b) => a - b, long: (a, b) => a - b, decimal: subtractDecimals }
const MULTIPLY: Arithmetic = { double: (a, b) => a * b, long: (a, b) => a * b, decimal: multiplyDecimals }

/** `undefined` when two integers overflow a long. */
function calculate(operation: Arithmetic, a: NumberValue, b: NumberValue): NumberValue | undefined {
  if (a instanceof Int32 && b instanceof Int32) {
    const result = operation.double(a.value, b.value)
    // Products beyond 2^53 are not exact as doubles.
    if (Number.isSafeInteger(result)) return intOrLong(result === 0 ? 0 : result)
    return intOrLong(operation.long(BigInt(a.value), BigInt(b.value)))
  }
  if (a instanceof Decimal128 || b instanceof Decimal128) {
    return writeDecimal(operation.decimal(toDecimal(a), toDecimal(b)))
  }
  if (typeof a === 'number' || typeof b === 'number') return operation.double(toDouble(a), toDouble(b))
  const result = operation.long(toBigInt(a), toBigInt(b))
  return fitsLong(result) ? result : undefined
}

/** MongoDB's promotion: int + int is int, or long when it overflows; long overflow becomes double. */
export function add(a: NumberValue, b: NumberValue): NumberValue {
  return calculate(ADD, a, b) ?? toDouble(a) + toDouble(b)
}

export function subtract(a: NumberValue, b: NumberValue): NumberValue {
  return calculate(SUBTRACT, a, b) ?? toDouble(a) - toDouble(b)
}

export function multiply(a: NumberValue, b: NumberValue): NumberValue {
  return calculate(MULTIPLY, a, b) ?? toDouble(a) * toDouble(b)
}

/** As `add`, for `$inc`: `undefined` when a long overflows, which an update refuses. */
export function addChecked(a: NumberValue, b: NumberValue): NumberValue | undefined {
  return calculate(ADD, a, b)
}

/** As `multiply`, for `$mul`: `undefined` when a long overflows. */
export function multiplyChecked(a: NumberValue, b: NumberValue): NumberValue | undefined {
  return calculate(MULTIPLY, a, b)
}

/** Zero of the same type, plain whatever the sign and the exponent of `value`. */
export function zeroOf(value: NumberValue): NumberValue {
  if (value instanceof Decimal128) return Decimal128.fromString('0')
  if (value instanceof Int32) return int(0)
  return typeof value === 'bigint' ? 0n : 0
}

export function isZero(value: NumberValue): boolean {
  if (value instanceof Decimal128) {
    const parts = readDecimal(value)
    return parts.kind === 'finite' && parts.coefficient === 0n
  }
  return Number(value instanceof Int32 ? value.value : value) === 0
}

export function isNaNValue(value: NumberValue): boolean {
  if (typeof value === 'number') return Number.isNaN(value)
  return value instanceof Decimal128 && readDecimal(value).kind === 'nan'
}

/** a / b: a double, or a decimal when one is. The caller has refused zero. */
export function divide(a: NumberValue, b: NumberValue): NumberValue {
  if (a instanceof Decimal128 || b instanceof Decimal128) {
    return writeDecimal(divideDecimals(toDecimal(a), toDecimal(b)))
  }
  return toDouble(a) / toDouble(b)
}

/** The remainder with the dividend's sign, of the larger of the two types. The caller has refused zero. */
export function remainder(a: NumberValue, b: NumberValue): NumberValue {
  if (a instanceof Decimal128 || b instanceof Decimal128) {
    return writeDecimal(remainderDecimals(toDecimal(a), toDecimal(b)))
  }
  if (typeof a === 'number' || typeof b === 'number') return toDouble(a) % toDouble(b)
  if (a instanceof Int32 && b instanceof Int32) return int((a.value % b.value) | 0)
  return toBigInt(a) % toBigInt(b)
}

/** True when the remainder of the decimals that the two are is zero: `multipleOf` of a JSON schema. */
export function isMultipleOf(value: NumberValue, divisor: NumberValue): boolean {
  return isZero(writeDecimal(remainderDecimals(toDecimal(value), toDecimal(divisor))))
}

/** The integer part of a finite number, `undefined` for NaN and infinity. */
export function truncatedInteger(value: NumberValue): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (value instanceof Int32) return BigInt(value.value)
  if (typeof value === 'number') return Number.isFinite(value) ? BigInt(Math.trunc(value)) : undefined
  const parts = readDecimal(value)
  if (parts.kind !== 'finite') return undefined
  const magnitude =
    parts.exponent >= 0
      ? parts.coefficient * power10(parts.exponent)
      : parts.coefficient / power10(Math.min(-parts.exponent, 6200))
  return parts.negative ? -magnitude : magnitude
}

/** The number rounded half to even as MongoDB narrows a decimal to a long; `undefined` for NaN and infinity. */
export function roundedInteger(value: NumberValue): bigint | undefined {
  if (!(value instanceof Decimal128)) return truncatedInteger(value)
  const parts = readDecimal(value)
  if (parts.kind !== 'finite' || parts.exponent >= 0) return truncatedInteger(value)
  const magnitude = shiftRight(parts.coefficient, Math.min(-parts.exponent, 6200))
  return parts.negative ? -magnitude : magnitude
}

/** The value as an integer when it is one exactly (1.0 and Decimal 1.00 are), else `undefined`. */
export function exactInteger(value: NumberValue): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (value instanceof Int32) return BigInt(value.value)
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : undefined
  const integer = truncatedInteger(value)
  if (integer === undefined) return undefined
  const parts = readDecimal(value)
  const exact = parts.exponent >= 0 || parts.coefficient % power10(Math.min(-parts.exponent, 6200)) === 0n
  return exact ? integer : undefined
}
