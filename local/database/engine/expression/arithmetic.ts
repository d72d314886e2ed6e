import { compareNumbers } from '../../bson/compare.ts'
import { finite, readDecimal, writeDecimal } from '../../bson/decimal.ts'
import { negate, quantize, type RoundingMode, squareRoot } from '../../bson/decimal-arithmetic.ts'
import {
  add,
  divide,
  exactInteger,
  fitsLong,
  intOrLong,
  isNaNValue,
  isZero,
  LONG_MIN,
  multiply,
  remainder,
  roundedInteger,
  subtract,
  toDecimal,
  toDouble,
  truncatedInteger,
} from '../../bson/number.ts'
import {
  Decimal128,
  dateFromMillis,
  dateMillis,
  Int32,
  int,
  isNullish,
  isNumber,
  type NumberValue,
  typeName,
  type Value,
} from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { compile } from './compile.ts'
import { decimalExp, decimalLn, decimalLog10, decimalPower } from './decimal-functions.ts'
import { argumentsOf, binary, numeric, type Operators, ranged, unary } from './define.ts'
import type { CompileOperator } from './scope.ts'

type Input = Value | undefined

function shiftDate(date: Date, amount: NumberValue, sign: 1n | -1n): Date {
  const millis = amount instanceof Int32 || typeof amount === 'bigint' ? exactInteger(amount)! : roundToLong(amount)
  const result = BigInt(dateMillis(date)) + sign * millis
  if (!fitsLong(result)) throw new DatabaseError(159, 'date overflow')
  return dateFromMillis(result)
}

function roundToLong(value: NumberValue): bigint {
  const integer =
    typeof value === 'number' ? truncatedInteger(Math.sign(value) * Math.round(Math.abs(value))) : roundedInteger(value)
  if (integer === undefined || !fitsLong(integer)) throw new DatabaseError(159, 'date overflow in $add')
  return integer
}

const addOperator: CompileOperator = (operand, scope) => {
  const parts = argumentsOf(operand).map((argument) => compile(argument, scope))
  return (doc) => {
    let total: NumberValue = int(0)
    let date: Date | undefined
    for (const part of parts) {
      const value = part(doc)
      if (isNumber(value)) total = add(total, value)
      else if (value instanceof Date) {
        if (date !== undefined) throw new DatabaseError(16612, 'only one date allowed in an $add expression')
        date = value
      } else if (isNullish(value)) return null
      else {
        throw new DatabaseError(14, `$add only supports numeric or date types, not ${typeName(value)}`)
      }
    }
    return date === undefined ? total : shiftDate(date, total, 1n)
  }
}

const subtractOperator = binary((left, right) => {
  if (isNumber(left) && isNumber(right)) return subtract(left, right)
  if (isNullish(left) || isNullish(right)) return null
  if (left instanceof Date) {
    if (right instanceof Date) return BigInt(dateMillis(left)) - BigInt(dateMillis(right))
    if (isNumber(right)) return shiftDate(left, right, -1n)
    throw new DatabaseError(14, `can't $subtract ${typeName(right)} from ${typeName(left)}`)
  }
  throw new DatabaseError(14, `can't $subtract ${typeName(right)} from ${typeName(left)}`)
})

const multiplyOperator: CompileOperator = (operand, scope) => {
  const parts = argumentsOf(operand).map((argument) => compile(argument, scope))
  return (doc) => {
    let total: NumberValue = int(1)
    for (const part of parts) {
      const value = part(doc)
      if (isNumber(value)) total = multiply(total, value)
      else if (isNullish(value)) return null
      else throw new DatabaseError(14, `$multiply only supports numeric types, not ${typeName(value)}`)
    }
    return total
  }
}

function divideOperator(left: Input, right: Input): Input {
  if (isNumber(left) && isNumber(right)) {
    if (isZero(right)) throw new DatabaseError(2, "can't $divide by zero")
    return divide(left, right)
  }
  if (isNullish(left) || isNullish(right)) return null
  throw new DatabaseError(14, `$divide only supports numeric types, not ${typeName(left)} and ${typeName(right)}`)
}

function modOperator(left: Input, right: Input): Input {
  if (isNumber(left) && isNumber(right)) {
    if (isZero(right)) throw new DatabaseError(16610, "can't $mod by zero")
    return remainder(left, right)
  }
  if (isNullish(left) || isNullish(right)) return null
  throw new DatabaseError(16611, `$mod only supports numeric types, not ${typeName(left)} and ${typeName(right)}`)
}

function abs(value: Input, name: string): Input {
  if (isNullish(value)) return null
  const number = numeric(value, name)
  if (number instanceof Int32) return intOrLong(Math.abs(number.value))
  if (typeof number === 'bigint') {
    if (number === LONG_MIN) throw new DatabaseError(28680, "can't take $abs of long long min")
    return number < 0n ? -number : number
  }
  if (typeof number === 'number') return Math.abs(number)
  const parts = readDecimal(number)
  return writeDecimal(parts.negative ? negate(parts) : parts)
}

function toIntegral(mode: RoundingMode, round: (value: number) => number) {
  return (value: Input, name: string): Input => {
    if (isNullish(value)) return null
    const number = numeric(value, name)
    if (typeof number === 'number') return round(number)
    if (!(number instanceof Decimal128)) return number
    const parts = readDecimal(number)
    return parts.exponent >= 0 ? number : writeDecimal(quantize(parts, 0, mode))
  }
}

/** Rounds an integer to a negative place: 1234 at -2 is 1200. */
function roundInteger(value: bigint, place: number, mode: RoundingMode): bigint {
  const parts = quantize(finite(value, 0), -place, mode)
  const magnitude = parts.coefficient * 10n ** BigInt(parts.exponent)
  return parts.negative ? -magnitude : magnitude
}

function roundTo(mode: RoundingMode) {
  return (values: Input[], name: string): Input => {
    const [value, placeValue] = values
    if (isNullish(value)) return null
    if (values.length > 1 && isNullish(placeValue)) return null
    if (!isNumber(value)) {
      throw new DatabaseError(51081, `${name} only supports numeric types, not ${typeName(value)}`)
    }
    let place = 0n
    if (values.length > 1) {
      const integer = isNumber(placeValue) ? exactInteger(placeValue) : undefined
      if (integer === undefined) {
        if (isNumber(placeValue))
          throw new DatabaseError(51082, `precision argument to  ${name} must be a integral value`)
        throw new DatabaseError(16004, `can't convert from BSON type ${typeName(placeValue)} to long`)
      }
      if (integer < -20n || integer > 100n) {
        throw new DatabaseError(
          51083,
          `cannot apply ${name} with precision value ${integer} value must be in [-20, 100]`,
        )
      }
      place = integer
    }
    const digits = Number(place)
    if (value instanceof Decimal128) return writeDecimal(quantizeDown(value, -digits, mode))
    if (typeof value === 'number') return roundDouble(value, digits, mode)
    if (digits >= 0) return value
    const rounded = roundInteger(exactInteger(value)!, digits, mode)
    if (value instanceof Int32) return intOrLong(rounded)
    if (!fitsLong(rounded)) {
      throw new DatabaseError(
        51080,
        `invalid conversion from Decimal128 result in ${name} resulting from arguments: [${value}, ${digits}]`,
      )
    }
    return rounded
  }
}

function quantizeDown(value: Decimal128, exponent: number, mode: RoundingMode) {
  const parts = readDecimal(value)
  return quantize(parts, exponent, mode)
}

function roundDouble(value: number, digits: number, mode: RoundingMode): number {
  if (!Number.isFinite(value) || value === 0) return value
  if (digits === 0) return mode === 'down' ? Math.trunc(value) : roundHalfEven(value)
  // As MongoDB does: through a decimal, so that 1.005 rounds as it is written.
  const decimal = quantize(toDecimal(value), -digits, mode)
  return toDouble(writeDecimal(decimal))
}

export function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  const difference = value - floor
  if (difference < 0.5) return floor === 0 && value < 0 ? -0 : floor
  if (difference > 0.5) return floor + 1 === 0 ? -0 : floor + 1
  const even = floor % 2 === 0 ? floor : floor + 1
  return even === 0 && value < 0 ? -0 : even
}

function sqrt(value: Input, name: string): Input {
  if (isNullish(value)) return null
  const number = numeric(value, name)
  if (!isNaNValue(number) && compareNumbers(number, 0) < 0) {
    throw new DatabaseError(28714, "$sqrt's argument must be greater than or equal to 0")
  }
  return number instanceof Decimal128 ? writeDecimal(squareRoot(readDecimal(number))) : Math.sqrt(toDouble(number))
}

function exp(value: Input, name: string): Input {
  if (isNullish(value)) return null
  const number = numeric(value, name)
  return number instanceof Decimal128 ? decimalExp(number) : Math.exp(toDouble(number))
}

function positive(value: NumberValue, name: string, code: number): void {
  if (!isNaNValue(value) && compareNumbers(value, 0) <= 0) {
    throw new DatabaseError(code, `${name}'s argument must be a positive number, but is ${toDouble(value)}`)
  }
}

function ln(value: Input, name: string): Input {
  if (isNullish(value)) return null
  const number = numeric(value, name)
  positive(number, '$ln', 28766)
  return number instanceof Decimal128 ? decimalLn(number) : Math.log(toDouble(number))
}

function log10(value: Input, name: string): Input {
  if (isNullish(value)) return null
  const number = numeric(value, name)
  positive(number, '$log10', 28761)
  return number instanceof Decimal128 ? decimalLog10(number) : Math.log10(toDouble(number))
}

function log(value: Input, base: Input): Input {
  if (isNullish(value) || isNullish(base)) return null
  if (!isNumber(value)) throw new DatabaseError(28756, `$log's argument must be numeric, not ${typeName(value)}`)
  if (!isNumber(base)) throw new DatabaseError(28757, `$log's base must be numeric, not ${typeName(base)}`)
  positive(value, '$log', 28758)
  if (!isNaNValue(base) && (compareNumbers(base, 0) <= 0 || compareNumbers(base, 1) === 0)) {
    throw new DatabaseError(28759, `$log's base must be a positive number not equal to 1, but is ${toDouble(base)}`)
  }
  if (value instanceof Decimal128 || base instanceof Decimal128) {
    return divide(decimalLn(writeDecimal(toDecimal(value))), decimalLn(writeDecimal(toDecimal(base))))
  }
  return Math.log(toDouble(value)) / Math.log(toDouble(base))
}

function pow(base: Input, exponent: Input): Input {
  if (isNullish(base) || isNullish(exponent)) return null
  if (!isNumber(base)) throw new DatabaseError(28762, `$pow's base must be numeric, not ${typeName(base)}`)
  if (!isNumber(exponent)) {
    throw new DatabaseError(28763, `$pow's exponent must be numeric, not ${typeName(exponent)}`)
  }
  if (isZero(base) && !isNaNValue(exponent) && compareNumbers(exponent, 0) < 0) {
    throw new DatabaseError(28764, '$pow cannot take a base of 0 and a negative exponent')
  }
  if (base instanceof Decimal128 || exponent instanceof Decimal128) {
    return decimalPower(writeDecimal(toDecimal(base)), writeDecimal(toDecimal(exponent)))
  }
  if (typeof base === 'number' || typeof exponent === 'number') return toDouble(base) ** toDouble(exponent)
  const power = exactInteger(exponent)!
  const root = exactInteger(base)!
  const small = power >= 0n && (power <= 64n || root === 0n || root === 1n || root === -1n)
  const exact = small ? root ** (power > 64n ? 64n + (power % 2n) : power) : undefined
  if (exact === undefined || !fitsLong(exact)) {
    if (power < 0n && (root === 1n || root === -1n)) {
      const unit = root === 1n || power % 2n === 0n ? 1n : -1n
      return base instanceof Int32 && exponent instanceof Int32 ? int(Number(unit)) : unit
    }
    return toDouble(base) ** toDouble(exponent)
  }
  return base instanceof Int32 && exponent instanceof Int32 ? intOrLong(exact) : exact
}

function sigmoid(value: Input, name: string): Input {
  if (isNullish(value)) return null
  const number = numeric(value, name)
  if (!(number instanceof Decimal128)) return 1 / (1 + Math.exp(-toDouble(number)))
  const exponential = decimalExp(writeDecimal(negate(readDecimal(number))))
  return divide(int(1), add(int(1), exponential))
}

export const ARITHMETIC: Operators = {
  $add: addOperator,
  $subtract: subtractOperator,
  $multiply: multiplyOperator,
  $divide: binary(divideOperator),
  $mod: binary(modOperator),
  $abs: unary(abs),
  $ceil: unary(toIntegral('ceiling', Math.ceil)),
  $floor: unary(toIntegral('floor', Math.floor)),
  $round: ranged(1, 2, roundTo('half-even')),
  $trunc: ranged(1, 2, roundTo('down')),
  $sqrt: unary(sqrt),
  $exp: unary(exp),
  $ln: unary(ln),
  $log10: unary(log10),
  $log: binary(log),
  $pow: binary(pow),
  $sigmoid: unary(sigmoid),
}
