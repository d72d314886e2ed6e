import { readDecimal, writeDecimal } from '../../bson/decimal.ts'
import { fitsLong, INT_MAX, INT_MIN, toDecimal, toDouble, truncatedInteger } from '../../bson/number.ts'
import { isTypeName, TYPE_NAMES_BY_CODE, type TypeName } from '../../bson/types.ts'
import {
  Binary,
  Decimal128,
  dateFromMillis,
  dateMillis,
  Int32,
  int,
  isNullish,
  isNumber,
  type NumberValue,
  ObjectId,
  Timestamp,
  typeName,
  type Value,
} from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { isTrue } from '../match/element.ts'
import { compile } from './compile.ts'
import { parseDate, printDate } from './date-format.ts'
import { namedArguments, type Operators, unary } from './define.ts'
import { doubleToText } from './number-text.ts'
import type { CompileOperator } from './scope.ts'

type Target = 'double' | 'string' | 'objectId' | 'bool' | 'date' | 'int' | 'long' | 'decimal'

function failure(text: string): DatabaseError {
  return new DatabaseError(241, text)
}

function unsupported(value: Value, target: Target): DatabaseError {
  return failure(`Unsupported conversion from ${typeName(value)} to ${target} in $convert with no onError value`)
}

function parseFailure(text: string, reason: string): DatabaseError {
  return failure(`Failed to parse number '${text}' in $convert with no onError value: ${reason}`)
}

function toBool(value: Value): boolean {
  return isNumber(value) || typeof value === 'boolean' ? isTrue(value) : true
}

function toText(value: Value): string {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  if (typeof value === 'number') return doubleToText(value)
  if (isNumber(value)) return value.toString()
  if (value instanceof ObjectId) return value.toHexString()
  if (value instanceof Date) return printDate(value)
  if (value instanceof Binary && value.sub_type === 4) return value.toUUID().toHexString()
  throw unsupported(value, 'string')
}

function parseDouble(text: string): number {
  if (!/^[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|inf(?:inity)?|nan)$/i.test(text)) {
    throw parseFailure(text, text === '' ? 'Empty string' : 'Did not consume whole string.')
  }
  if (/nan/i.test(text)) return Number.NaN
  if (/inf/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  return Number(text)
}

function toDoubleValue(value: Value): number {
  if (isNumber(value)) {
    const result = toDouble(value)
    if (value instanceof Decimal128 && readDecimal(value).kind === 'finite' && !Number.isFinite(result)) {
      throw failure(`Conversion would overflow target type in $convert with no onError value: ${value.toString()}`)
    }
    return result
  }
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value === 'string') return parseDouble(value)
  if (value instanceof Date) return Number(dateMillis(value))
  throw unsupported(value, 'double')
}

function integral(value: NumberValue, target: 'int' | 'long'): bigint {
  const integer = truncatedInteger(value)
  if (integer === undefined) {
    const shown = toDouble(value)
    throw failure(
      Number.isNaN(shown)
        ? 'Attempt to convert NaN value to integer type in $convert with no onError value'
        : 'Attempt to convert infinity value to integer type in $convert with no onError value',
    )
  }
  const fits = target === 'long' ? fitsLong(integer) : integer >= INT_MIN && integer <= INT_MAX
  if (!fits) {
    throw failure(`Conversion would overflow target type in $convert with no onError value: ${value}`)
  }
  return integer
}

function parseInteger(text: string, target: 'int' | 'long'): bigint {
  if (!/^[+-]?\d+$/.test(text)) {
    throw parseFailure(
      text,
      text === ''
        ? 'Empty string'
        : /^[+-]?\d/.test(text)
          ? 'Did not consume whole string.'
          : 'Did not consume any digits',
    )
  }
  const integer = BigInt(text.replace(/^\+/, ''))
  const fits = target === 'long' ? fitsLong(integer) : integer >= INT_MIN && integer <= INT_MAX
  if (!fits) throw parseFailure(text, 'Overflow')
  return integer
}

function toInteger(value: Value, target: 'int' | 'long'): bigint {
  if (isNumber(value)) return integral(value, target)
  if (typeof value === 'boolean') return value ? 1n : 0n
  if (typeof value === 'string') return parseInteger(value, target)
  if (value instanceof Date && target === 'long') return BigInt(dateMillis(value))
  throw unsupported(value, target)
}

function toDecimalValue(value: Value): Decimal128 {
  if (value instanceof Decimal128) return value
  if (isNumber(value)) return writeDecimal(toDecimal(value))
  if (typeof value === 'boolean') return Decimal128.fromString(value ? '1' : '0')
  if (value instanceof Date) return Decimal128.fromString(String(dateMillis(value)))
  if (typeof value === 'string') {
    try {
      return Decimal128.fromStringWithRounding(value)
    } catch {
      throw parseFailure(value, value === '' ? 'Empty string' : 'Failed to parse string to decimal')
    }
  }
  throw unsupported(value, 'decimal')
}

function toDateValue(value: Value): Date {
  if (value instanceof Date) return value
  if (typeof value === 'string') return parseDate(value, undefined, undefined)
  if (value instanceof ObjectId) return value.getTimestamp()
  if (value instanceof Timestamp) return new Date(value.t * 1000)
  if (isNumber(value) && !(value instanceof Int32)) return dateFromMillis(integral(value, 'long'))
  throw unsupported(value, 'date')
}

function toObjectId(value: Value): ObjectId {
  if (value instanceof ObjectId) return value
  if (typeof value !== 'string') throw unsupported(value, 'objectId')
  if (value.length !== 24) {
    throw failure(
      `Failed to parse objectId '${value}' in $convert with no onError value: Invalid string length for parsing to OID, expected 24 but found ${value.length}`,
    )
  }
  const bad = /[^0-9a-fA-F]/.exec(value)
  if (bad) {
    throw failure(
      `Failed to parse objectId '${value}' in $convert with no onError value: Invalid character found in hex string: '${bad[0]}'`,
    )
  }
  return new ObjectId(value)
}

const CONVERSIONS: Readonly<Record<Target, (value: Value) => Value>> = {
  double: toDoubleValue,
  string: toText,
  objectId: toObjectId,
  bool: toBool,
  date: toDateValue,
  int: (value) => int(Number(toInteger(value, 'int'))),
  long: (value) => toInteger(value, 'long'),
  decimal: toDecimalValue,
}

function isTarget(name: TypeName): name is Target {
  return Object.hasOwn(CONVERSIONS, name)
}

function parseTarget(value: Value): Target {
  let name: TypeName | undefined
  if (typeof value === 'string') {
    if (!isTypeName(value)) throw new DatabaseError(2, `Unknown type name: ${value}`)
    name = value
  } else if (isNumber(value)) {
    const code = truncatedInteger(value)
    if (code === undefined || toDouble(value) !== Number(code)) {
      throw new DatabaseError(9, "In $convert, numeric 'to' argument is not an integer")
    }
    name = TYPE_NAMES_BY_CODE.get(Number(code))
    if (name === undefined) {
      throw new DatabaseError(9, `In $convert, numeric value for 'to' does not correspond to a BSON type: ${code}`)
    }
  } else {
    throw new DatabaseError(9, `$convert's 'to' argument must be a string or number, but is ${typeName(value)}`)
  }
  if (!isTarget(name)) throw failure(`Unsupported conversion to type ${name} in $convert with no onError value`)
  return name
}

const convert: CompileOperator = (operand, scope, name) => {
  const spec = namedArguments(operand, name, ['input', 'to'], ['onError', 'onNull', 'format', 'byteOrder'], {
    notObject: [9, `$convert expects an object of named arguments but found: ${typeName(operand)}`],
    unknown: [9, '$convert found an unknown argument: '],
    missing: [9, "Missing '%' parameter to $convert"],
  })
  for (const field of ['format', 'byteOrder']) {
    if (spec.has(field)) throw new DatabaseError(238, `$convert's '${field}' is not supported by the local database`)
  }
  const input = compile(spec.get('input')!, scope)
  const to = compile(spec.get('to')!, scope)
  const [onError, onNull] = ['onError', 'onNull'].map((field) => {
    const value = spec.get(field)
    return value === undefined ? undefined : compile(value, scope)
  })
  return (doc) => {
    const value = input(doc)
    const target = to(doc)
    if (isNullish(value)) return onNull === undefined ? null : onNull(doc)
    if (isNullish(target)) return null
    try {
      return CONVERSIONS[parseTarget(target)](value)
    } catch (error) {
      if (error instanceof DatabaseError && onError !== undefined && (error.code === 241 || error.code === 18628))
        return onError(doc)
      throw error
    }
  }
}

const to = (target: Target): CompileOperator => unary((value) => (isNullish(value) ? null : CONVERSIONS[target](value)))

export const CONVERT: Operators = {
  $convert: convert,
  $toBool: to('bool'),
  $toDate: to('date'),
  $toDecimal: to('decimal'),
  $toDouble: to('double'),
  $toInt: to('int'),
  $toLong: to('long'),
  $toObjectId: to('objectId'),
  $toString: to('string'),
  $type: unary((value) => typeName(value)),
  $isNumber: unary((value) => isNumber(value)),
  $tsSecond: unary((value) => {
    if (isNullish(value)) return null
    if (!(value instanceof Timestamp)) {
      throw new DatabaseError(5687301, ` Argument to $tsSecond must be a timestamp, but is ${typeName(value)}`)
    }
    return BigInt(value.t)
  }),
  $tsIncrement: unary((value) => {
    if (isNullish(value)) return null
    if (!(value instanceof Timestamp)) {
      throw new DatabaseError(5687302, ` Argument to $tsIncrement must be a timestamp, but is ${typeName(value)}`)
    }
    return BigInt(value.i)
  }),
}
