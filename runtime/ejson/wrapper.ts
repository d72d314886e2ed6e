import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  Code,
  Decimal128,
  type Document,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  UUID,
} from 'bson'
import { invalidEjson } from './bad-input.ts'
import { type Entry, entriesOf, getField } from './ordered-object.ts'

/**
 * The value that an extended JSON wrapper stands for; undefined when the entries are no wrapper (an operator such as
 * `$set`, a plain document).
 *
 * @throws {AppError} `BadRequest` for a wrapper's key with anything but its documented form
 */
export function toWrappedValue(entries: readonly Entry[]): unknown {
  const [key, content] = entries[0] ?? ['', undefined]
  if (key === '$regex' || key === '$options') return toLegacyRegex(entries)
  if (key === '$code' || key === '$scope') return toCode(entries)
  if ((key === '$binary' || key === '$type') && entries.length === 2) return toLegacyBinary(entries)
  const convert = wrappers.get(key)
  if (!convert) return undefined
  const value = entries.length === 1 ? convert(content) : undefined
  if (value === undefined) throw invalidEjson(`invalid value for ${key}`)
  return value
}

/** Each answers undefined for a content that is not its documented form. */
const wrappers: ReadonlyMap<string, (content: unknown) => unknown> = new Map<string, (content: unknown) => unknown>([
  ['$oid', (hex) => (isText(hex, /^[0-9a-f]{24}$/i) ? ObjectId.createFromHexString(hex) : undefined)],
  ['$date', toDate],
  ['$numberInt', toInt],
  ['$numberLong', toLong],
  ['$numberDouble', toDouble],
  ['$numberDecimal', toDecimal],
  ['$binary', toBinary],
  ['$uuid', (text) => (typeof text === 'string' && UUID.isValid(text) ? new UUID(text) : undefined)],
  ['$timestamp', toTimestamp],
  ['$regularExpression', toRegex],
  ['$symbol', (text) => (typeof text === 'string' ? new BSONSymbol(text) : undefined)],
  ['$minKey', (one) => (toInteger(one) === 1 ? new MinKey() : undefined)],
  ['$maxKey', (one) => (toInteger(one) === 1 ? new MaxKey() : undefined)],
  ['$undefined', (yes) => (yes === true ? null : undefined)],
])

function isText(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value)
}

/** The integer of a parsed JSON number; undefined for others. */
function toInteger(value: unknown): number | undefined {
  return value instanceof Int32 ? value.value : undefined
}

function toDate(content: unknown): Date | undefined {
  if (typeof content === 'string') return toIsoDate(content)
  if (content instanceof Long || content instanceof Int32) return toMillisecondsDate(Number(content))
  return undefined
}

function toIsoDate(text: string): Date | undefined {
  if (!/^[+-]?\d{4,6}-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?)?$/.test(text))
    return undefined
  const withColon = text.replace(/([+-]\d\d)(\d\d)$/, (all, hours, minutes) =>
    text.includes('T') ? `${hours}:${minutes}` : all,
  )
  // A time without a zone is UTC here, as everywhere in extended JSON; `Date` would take it as local.
  const zoned = withColon.includes('T') && !/(?:Z|[+-]\d\d:\d\d)$/.test(withColon) ? `${withColon}Z` : withColon
  return toMillisecondsDate(Date.parse(zoned))
}

function toMillisecondsDate(milliseconds: number): Date | undefined {
  const date = new Date(milliseconds)
  return Number.isNaN(date.getTime()) ? undefined : date
}

function toInt(content: unknown): Int32 | undefined {
  if (content instanceof Int32) return content
  if (!isText(content, /^-?\d{1,10}$/)) return undefined
  const value = Number(content)
  return value === (value | 0) ? new Int32(value) : undefined
}

function toLong(content: unknown): Long | undefined {
  if (content instanceof Long) return content
  if (content instanceof Int32) return Long.fromInt(content.value)
  if (!isText(content, /^-?\d{1,19}$/)) return undefined
  const value = BigInt(content)
  return value < -(2n ** 63n) || value >= 2n ** 63n ? undefined : Long.fromBigInt(value)
}

function toDouble(content: unknown): Double | undefined {
  if (content instanceof Double) return content
  if (content instanceof Int32 || content instanceof Long) return new Double(Number(content))
  if (isText(content, /^(?:NaN|-?Infinity)$/)) return new Double(Number(content))
  if (!isText(content, /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/)) return undefined
  const value = Number(content)
  return Number.isFinite(value) ? new Double(value) : undefined
}

function toDecimal(content: unknown): Decimal128 | undefined {
  if (typeof content !== 'string') return undefined
  try {
    return Decimal128.fromString(content)
  } catch {
    return undefined
  }
}

/** The fields of a document that has exactly these, in any order; undefined otherwise. */
function exactFields(content: unknown, ...names: string[]): unknown[] | undefined {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) return undefined
  if (Object.getPrototypeOf(content) !== Object.prototype && !(content instanceof Map)) return undefined
  const document: Document = content
  if (entriesOf(document).length !== names.length) return undefined
  return names.map((name) => getField(document, name))
}

function toBinary(content: unknown): Binary | undefined {
  const [base64, subType] = exactFields(content, 'base64', 'subType') ?? []
  return newBinary(base64, subType)
}

function newBinary(base64: unknown, subType: unknown): Binary | undefined {
  if (!isText(base64, /^[A-Za-z0-9+/_-]*={0,2}$/) || !isText(subType, /^[0-9a-f]{1,2}$/i)) return undefined
  try {
    const binary = atob(base64.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
    const type = Number.parseInt(subType, 16)
    return type === 4 && bytes.length === 16 ? new UUID(bytes) : new Binary(bytes, type)
  } catch {
    return undefined
  }
}

function toLegacyBinary(entries: readonly Entry[]): Binary | undefined {
  const fields = new Map(entries)
  if (!fields.has('$binary') || !fields.has('$type')) return undefined
  const type = fields.get('$type')
  const binary = newBinary(fields.get('$binary'), type instanceof Int32 ? type.value.toString(16) : type)
  if (!binary) throw invalidEjson('invalid value for $binary')
  return binary
}

function toTimestamp(content: unknown): Timestamp | undefined {
  const [t, i] = (exactFields(content, 't', 'i') ?? []).map(toUint32)
  return t === undefined || i === undefined ? undefined : new Timestamp({ t, i })
}

function toUint32(value: unknown): number | undefined {
  if (!(value instanceof Int32 || value instanceof Long)) return undefined
  const number = Number(value)
  return number >= 0 && number <= 0xffff_ffff ? number : undefined
}

function toRegex(content: unknown): BSONRegExp | undefined {
  const [pattern, options] = exactFields(content, 'pattern', 'options') ?? []
  return newRegex(pattern, options)
}

function newRegex(pattern: unknown, options: unknown): BSONRegExp | undefined {
  if (typeof pattern !== 'string' || pattern.includes('\0') || !isText(options, /^[a-z]*$/)) return undefined
  try {
    return new BSONRegExp(pattern, options)
  } catch {
    return undefined
  }
}

/** `{"$regex": "^a", "$options": "i"}`: the older form of a regular expression, and what filters are written with. */
function toLegacyRegex(entries: readonly Entry[]): BSONRegExp | undefined {
  const fields = new Map(entries)
  const known = fields.has('$regex') && entries.length === (fields.has('$options') ? 2 : 1)
  return known ? newRegex(fields.get('$regex'), fields.get('$options') ?? '') : undefined
}

function toCode(entries: readonly Entry[]): Code {
  const fields = new Map(entries)
  const code = fields.get('$code')
  const scope = fields.get('$scope')
  const known = fields.has('$code') && entries.length === (fields.has('$scope') ? 2 : 1)
  if (!known || typeof code !== 'string') throw invalidEjson('invalid value for $code')
  if (!fields.has('$scope')) return new Code(code)
  if (typeof scope !== 'object' || scope === null || Array.isArray(scope))
    throw invalidEjson('invalid value for $scope')
  return new Code(code, scope)
}
