import {
  Binary,
  BSONRegExp,
  Code,
  DBRef,
  Decimal128,
  type Document,
  Double,
  deserialize,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  serialize,
  Timestamp,
  UUID,
} from 'bson'
import { FunctionBinary } from './globals/binary.ts'

/** MongoDB itself stores at most 100 levels. */
const maxDepth = 200

const int32Min = -0x8000_0000
const int32Max = 0x7fff_ffff

function isBsonValue(value: object): value is { _bsontype: string } {
  return '_bsontype' in value
}

const ownClasses: Readonly<Record<string, new (...args: never[]) => object>> = {
  Binary,
  BSONRegExp,
  Code,
  DBRef,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
}

/**
 * The value as an instance of this module's `bson`. The driver loads its own copy of the package (CommonJS beside ES
 * module), whose instances would fail `instanceof BSON.ObjectId` in a function.
 */
function adopt(value: { _bsontype: string }): { _bsontype: string } {
  const Own = ownClasses[value._bsontype]
  if (Own === undefined || value instanceof Own) return value
  return deserialize(serialize({ value }), { promoteValues: false }).value
}

/** Sets an own property whatever its name: an assignment to `__proto__` would change the prototype instead. */
export function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  else target[key] = value
}

/** A regular expression as the database holds it; JavaScript's `g`, `y`, `d`, `u` and `v` have no meaning there. */
function toBsonRegExp(value: RegExp): BSONRegExp {
  return new BSONRegExp(value.source, [...value.flags].filter((flag) => 'ims'.includes(flag)).join(''))
}

function toFunctionScalar(value: { _bsontype: string }): unknown {
  if (value instanceof Int32 || value instanceof Double) return value.valueOf()
  // Timestamp extends Long and stays what it is.
  if (value._bsontype === 'Long' && value instanceof Long) {
    const number = value.toNumber()
    return Number.isSafeInteger(number) ? number : value
  }
  if (value instanceof Binary && !(value instanceof FunctionBinary) && !(value instanceof UUID))
    return FunctionBinary.of(value)
  return value
}

/**
 * A value from the database or from EJSON as functions see it (spec: function runtime 5, "Type mapping"): int32 and
 * double are numbers, regular expressions and binaries BSON types. An int64 is a number while that is exact, else a
 * `Long`: code that calculates with counters and epoch milliseconds keeps working, and no digit is lost (the
 * specification leaves the choice open; this is the one place that makes it).
 *
 * @returns a copy; the argument is not changed
 * @throws {RangeError} when nested more than 200 levels
 */
export function toFunctionValue(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth > maxDepth) throw new RangeError(`the value is circular or nested more than ${maxDepth} levels`)
  if (Array.isArray(value)) return value.map((item) => toFunctionValue(item, depth + 1))
  if (isBsonValue(value)) return toFunctionScalar(adopt(value))
  if (value instanceof RegExp) return toBsonRegExp(value)
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  const copy: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) setOwn(copy, key, toFunctionValue(item, depth + 1))
  return copy
}

/** Number of JavaScript as the database stores it: int32, int64 or double (spec: function runtime 5). */
function toStoredNumber(value: number): unknown {
  if (!Number.isSafeInteger(value) || (value >= int32Min && value <= int32Max)) return value
  return Long.fromNumber(value)
}

/**
 * A value of a function as the driver gets it. Integral numbers are int32, beyond that int64, all others double. An
 * `undefined` is null: dropping it could turn `{ owner: undefined }` into a filter that matches everything.
 *
 * @throws {RangeError} when circular or nested more than 200 levels
 */
export function toStoredValue(value: unknown, depth = 0): unknown {
  if (value === undefined) return null
  if (typeof value === 'number') return toStoredNumber(value)
  if (typeof value === 'function' && 'toBSON' in value && typeof value.toBSON === 'function') return value.toBSON()
  if (typeof value !== 'object' || value === null) return value
  if (depth > maxDepth) throw new RangeError(`the value is circular or nested more than ${maxDepth} levels`)
  if (Array.isArray(value)) return value.map((item) => toStoredValue(item, depth + 1))
  if (isBsonValue(value) || value instanceof Date || value instanceof RegExp || ArrayBuffer.isView(value)) return value
  if ('toBSON' in value && typeof value.toBSON === 'function') return toStoredValue(value.toBSON(), depth + 1)
  if (value instanceof Map)
    return new Map([...value].map(([key, item]) => [String(key), toStoredValue(item, depth + 1)]))
  const copy: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) setOwn(copy, key, toStoredValue(item, depth + 1))
  return copy
}

/** A document argument of a service call. @throws {TypeError} when it is none */
export function toStoredDocument(value: unknown, what: string): Document {
  const stored = toStoredValue(value)
  if (typeof stored !== 'object' || stored === null || Array.isArray(stored))
    throw new TypeError(`${what} must be a document`)
  return stored
}
