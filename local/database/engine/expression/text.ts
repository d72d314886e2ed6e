import { compareValues } from '../../bson/compare.ts'
import { exactInteger, toDouble } from '../../bson/number.ts'
import {
  Binary,
  BSONSymbol,
  Code,
  Decimal128,
  Int32,
  int,
  isNullish,
  isNumber,
  Timestamp,
  typeName,
  type Value,
} from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { compile } from './compile.ts'
import { printDate, printTimestamp } from './date-format.ts'
import { binary, namedArguments, type Operators, ranged, rangedOverPresent, unary, variadic } from './define.ts'
import { doubleToText } from './number-text.ts'
import type { CompileOperator } from './scope.ts'

type Input = Value | undefined

/** A value as text where MongoDB coerces it: numbers, dates and strings; nullish is empty. */
export function coerceToString(value: Input): string {
  if (isNullish(value)) return ''
  if (typeof value === 'string') return value
  if (typeof value === 'number') return doubleToText(value)
  if (value instanceof Int32 || typeof value === 'bigint' || value instanceof Decimal128) return value.toString()
  if (value instanceof BSONSymbol) return value.value
  if (value instanceof Code) return value.code
  if (value instanceof Date) return printDate(value)
  if (value instanceof Timestamp) return printTimestamp(value)
  throw new DatabaseError(16007, `can't convert from BSON type ${typeName(value)} to String`)
}

const concat = variadic((values) => {
  let result = ''
  for (const value of values) {
    if (isNullish(value)) return null
    if (typeof value !== 'string') {
      throw new DatabaseError(16702, `$concat only supports strings, not ${typeName(value)}`)
    }
    result += value
  }
  return result
})

// Only ASCII letters change: MongoDB leaves the others as they are.
const toLower = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
const toUpper = (text: string): string => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase())

function split(text: Input, separator: Input): Input {
  if (isNullish(text) || isNullish(separator)) return null
  if (typeof text !== 'string') {
    throw new DatabaseError(
      40085,
      `$split requires an expression that evaluates to a string as a first argument, found: ${typeName(text)}`,
    )
  }
  if (typeof separator !== 'string') {
    throw new DatabaseError(
      40086,
      `$split requires an expression that evaluates to a string as a second argument, found: ${typeName(separator)}`,
    )
  }
  if (separator === '') throw new DatabaseError(40087, '$split requires a non-empty separator')
  return text.split(separator)
}

function offset(value: Input, name: string, codes: readonly [number, number], what: string): number {
  if (!isNumber(value)) {
    throw new DatabaseError(codes[0], `${name}:  ${what} must be a numeric type (is BSON type ${typeName(value)})`)
  }
  const integer = exactInteger(value)
  if (integer === undefined && name === '$substrCP') {
    throw new DatabaseError(codes[1], `${name}: ${what} must be representable as a 32-bit integral value: ${value}`)
  }
  return Math.trunc(toDouble(value))
}

function substrBytes(values: Input[], name: string): Input {
  const [text, startValue, countValue] = values
  const start = offset(startValue, name, [16034, 16034], 'starting index')
  const count = offset(countValue, name, [16035, 16035], 'length')
  if (start < 0) throw new DatabaseError(50752, `${name}:  starting index must be non-negative (got: ${start})`)
  const bytes = Buffer.from(coerceToString(text), 'utf8')
  if (start >= bytes.length) return ''
  const end = count < 0 ? bytes.length : Math.min(bytes.length, start + count)
  const continues = (at: number): boolean => at < bytes.length && (bytes[at]! & 0xc0) === 0x80
  if (continues(start)) {
    throw new DatabaseError(28656, `${name}:  Invalid range, starting index is a UTF-8 continuation byte.`)
  }
  if (continues(end)) {
    throw new DatabaseError(28657, `${name}:  Invalid range, ending index is in the middle of a UTF-8 character.`)
  }
  return bytes.toString('utf8', start, end)
}

function substrCodePoints(values: Input[], name: string): Input {
  const [text, startValue, countValue] = values
  const start = offset(startValue, name, [34450, 34451], 'starting index')
  const count = offset(countValue, name, [34452, 34453], 'length')
  if (count < 0) throw new DatabaseError(34454, `${name}: length must be a nonnegative integer.`)
  if (start < 0) throw new DatabaseError(34455, `${name}: the starting index must be nonnegative integer.`)
  return [...coerceToString(text)].slice(start, start + count).join('')
}

function indexOf(measure: 'bytes' | 'codePoints') {
  return (values: readonly [Value, ...Input[]], name: string): Input => {
    const [text, token, startValue, endValue] = values
    if (typeof text !== 'string') {
      throw new DatabaseError(
        measure === 'bytes' ? 40091 : 40093,
        `${name} requires a string as the first argument, found: ${typeName(text)}`,
      )
    }
    if (typeof token !== 'string') {
      throw new DatabaseError(
        measure === 'bytes' ? 40092 : 40094,
        `${name} requires a string as the second argument, found: ${typeName(token)}`,
      )
    }
    const bounds = [startValue, endValue]
      .slice(0, values.length - 2)
      .map((value, at) => indexBound(value, name, at === 0 ? 'starting' : 'ending'))
    const [start = 0, end] = bounds
    if (measure === 'bytes') {
      const bytes = Buffer.from(text, 'utf8')
      const limit = Math.min(end ?? bytes.length, bytes.length)
      if (start > limit || start > bytes.length) return int(-1)
      const found = bytes.subarray(0, limit).indexOf(Buffer.from(token, 'utf8'), start)
      return int(found)
    }
    const points = [...text]
    const limit = Math.min(end ?? points.length, points.length)
    if (start > limit) return int(-1)
    const sought = [...token]
    for (let at = start; at + sought.length <= limit; at++) {
      if (sought.every((point, index) => points[at + index] === point)) return int(at)
    }
    return int(-1)
  }
}

/** The start or end that `$indexOf...` operators take. */
export function indexBound(value: Input, name: string, which: 'starting' | 'ending'): number {
  const integer = isNumber(value) ? exactInteger(value) : undefined
  if (integer === undefined || integer > 2147483647n || integer < -2147483648n) {
    throw new DatabaseError(
      40096,
      `${name} requires an integral ${which} index, found a value of type: ${typeName(value)}, with value: "${value === undefined ? '' : coerceToString(value)}"`,
    )
  }
  if (integer < 0n) {
    throw new DatabaseError(40097, `${name} requires a nonnegative ${which} index, found: ${integer}`)
  }
  return Number(integer)
}

const WHITESPACE = '\0\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a'

function trim(left: boolean, right: boolean): CompileOperator {
  return (operand, scope, name) => {
    const spec = namedArguments(operand, name, ['input'], ['chars'], {
      notObject: [50696, `${name} only supports an object as an argument, found ${typeName(operand)}`],
      unknown: [50694, `${name} found an unknown argument: `],
      missing: [50695, `${name} requires an 'input' field`],
    })
    const input = compile(spec.get('input')!, scope)
    const charsSpec = spec.get('chars')
    const chars = charsSpec === undefined ? undefined : compile(charsSpec, scope)
    return (doc) => {
      const text = input(doc)
      if (isNullish(text)) return null
      if (typeof text !== 'string') {
        throw new DatabaseError(
          50699,
          `${name} requires its input to be a string, got ${text} (of type ${typeName(text)}) instead.`,
        )
      }
      let unwanted: Input = WHITESPACE
      if (chars !== undefined) {
        unwanted = chars(doc)
        if (isNullish(unwanted)) return null
        if (typeof unwanted !== 'string') {
          throw new DatabaseError(
            50700,
            `${name} requires 'chars' to be a string, got ${unwanted} (of type ${typeName(unwanted)}) instead.`,
          )
        }
      }
      const points = [...text]
      const set = new Set(unwanted as string)
      let start = 0
      let end = points.length
      if (left) while (start < end && set.has(points[start]!)) start++
      if (right) while (end > start && set.has(points[end - 1]!)) end--
      return points.slice(start, end).join('')
    }
  }
}

function replace(all: boolean): CompileOperator {
  const name = all ? '$replaceAll' : '$replaceOne'
  return (operand, scope) => {
    const spec = namedArguments(operand, name, ['input', 'find', 'replacement'], [], {
      notObject: [51751, `${name} requires an object as an argument, found: ${typeName(operand)}`],
      unknown: [51750, `${name} found an unknown argument: `],
      missing: [51749, `${name} requires '%' to be specified`],
    })
    const [input, find, replacement] = ['input', 'find', 'replacement'].map((field) =>
      compile(spec.get(field)!, scope),
    ) as [ReturnType<typeof compile>, ReturnType<typeof compile>, ReturnType<typeof compile>]
    return (doc) => {
      const [text, sought, substitute] = [input(doc), find(doc), replacement(doc)]
      const checks = [
        ['input', text, 51746],
        ['find', sought, 51745],
        ['replacement', substitute, 51744],
      ] as const
      for (const [field, value, code] of checks) {
        if (!isNullish(value) && typeof value !== 'string') {
          throw new DatabaseError(code, `${name} requires that '${field}' be a string, found: ${value}`)
        }
      }
      if (typeof text !== 'string' || typeof sought !== 'string' || typeof substitute !== 'string') return null
      if (all)
        return sought === ''
          ? substitute + [...text].map((point) => point + substitute).join('')
          : text.split(sought).join(substitute)
      const at = text.indexOf(sought)
      return at < 0 ? text : text.slice(0, at) + substitute + text.slice(at + sought.length)
    }
  }
}

export const TEXT: Operators = {
  $concat: concat,
  $toLower: unary((value) => toLower(coerceToString(value))),
  $toUpper: unary((value) => toUpper(coerceToString(value))),
  $split: binary(split),
  $substr: ranged(3, 3, substrBytes),
  $substrBytes: ranged(3, 3, substrBytes),
  $substrCP: ranged(3, 3, substrCodePoints),
  $indexOfBytes: rangedOverPresent(2, 4, indexOf('bytes')),
  $indexOfCP: rangedOverPresent(2, 4, indexOf('codePoints')),
  $strLenBytes: unary((value) => {
    if (typeof value !== 'string') {
      throw new DatabaseError(34473, `$strLenBytes requires a string argument, found: ${typeName(value)}`)
    }
    return int(Buffer.byteLength(value, 'utf8'))
  }),
  $strLenCP: unary((value) => {
    if (typeof value !== 'string') {
      throw new DatabaseError(34471, `$strLenCP requires a string argument, found: ${typeName(value)}`)
    }
    return int([...value].length)
  }),
  $strcasecmp: binary((a, b) => int(compareValues(toUpper(coerceToString(a)), toUpper(coerceToString(b))))),
  $trim: trim(true, true),
  $ltrim: trim(true, false),
  $rtrim: trim(false, true),
  $replaceOne: replace(false),
  $replaceAll: replace(true),
  $binarySize: unary((value) => {
    if (isNullish(value)) return null
    if (typeof value === 'string') return int(Buffer.byteLength(value, 'utf8'))
    if (value instanceof Binary) return int(value.position)
    throw new DatabaseError(51276, `$binarySize requires a string or BinData argument, found: ${typeName(value)}`)
  }),
}
