import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  Code,
  type DBRef,
  Decimal128,
  type Double,
  Int32,
  type Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
} from 'bson'
import type { TypeName } from './types.ts'

export { Binary, BSONRegExp, BSONSymbol, Code, Decimal128, Int32, MaxKey, MinKey, ObjectId, Timestamp }

/** The deprecated BSON type `undefined` (6), which is a stored value, unlike JavaScript's `undefined` = missing. */
export class BsonUndefined {
  readonly kind = 'undefined'
}

/** The deprecated BSON type `dbPointer` (12). */
export class DbPointer {
  readonly namespace: string
  readonly id: ObjectId
  constructor(namespace: string, id: ObjectId) {
    this.namespace = namespace
    this.id = id
  }
}

/** The deprecated BSON type `javascriptWithScope` (15). */
export class CodeWithScope {
  readonly code: string
  readonly scope: Doc
  constructor(code: string, scope: Doc) {
    this.code = code
    this.scope = scope
  }
}

/** A BSON date outside what a JavaScript `Date` holds (±8.64e15 ms); keeps its milliseconds. */
export class FarDate extends Date {
  readonly milliseconds: bigint
  constructor(milliseconds: bigint) {
    super(Number.NaN)
    this.milliseconds = milliseconds
  }
}

/** A BSON document: order kept, also for integer-like keys. */
export type Doc = Map<string, Value>

/**
 * A BSON value. A double is a `number`, an int32 an `Int32`, an int64 a `bigint`, a UUID a `Binary` of subtype 4. A
 * missing field is JavaScript's `undefined` and is never stored.
 */
export type Value =
  | number
  | Int32
  | bigint
  | Decimal128
  | string
  | boolean
  | null
  | Date
  | ObjectId
  | Binary
  | BSONRegExp
  | Timestamp
  | MinKey
  | MaxKey
  | Code
  | CodeWithScope
  | BSONSymbol
  | BsonUndefined
  | DbPointer
  | Doc
  | Value[]

export type NumberValue = number | Int32 | bigint | Decimal128

/** The type of each class of values. */
export const NAMES_BY_CLASS: ReadonlyMap<unknown, TypeName> = new Map<unknown, TypeName>([
  [Map, 'object'],
  [Array, 'array'],
  [Int32, 'int'],
  [Date, 'date'],
  [FarDate, 'date'],
  [ObjectId, 'objectId'],
  [Decimal128, 'decimal'],
  [Binary, 'binData'],
  [BSONRegExp, 'regex'],
  [Timestamp, 'timestamp'],
  [MinKey, 'minKey'],
  [MaxKey, 'maxKey'],
  [Code, 'javascript'],
  [CodeWithScope, 'javascriptWithScope'],
  [BSONSymbol, 'symbol'],
  [BsonUndefined, 'undefined'],
  [DbPointer, 'dbPointer'],
])

/** The type's alias; `missing` for no value. */
export function typeName(value: Value): TypeName
export function typeName(value: Value | undefined): TypeName | 'missing'
export function typeName(value: Value | undefined): TypeName | 'missing' {
  switch (typeof value) {
    case 'number':
      return 'double'
    case 'string':
      return 'string'
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'long'
    case 'undefined':
      return 'missing'
    default: {
      if (value === null) return 'null'
      const name = NAMES_BY_CLASS.get(value.constructor)
      if (name === undefined) throw new TypeError(`not a BSON value: ${value.constructor.name}`)
      return name
    }
  }
}

export function isDoc(value: unknown): value is Doc {
  return value instanceof Map
}

export function isNumber(value: Value | undefined): value is NumberValue {
  const kind = typeof value
  return kind === 'number' || kind === 'bigint' || value instanceof Int32 || value instanceof Decimal128
}

/** Null, missing, or the deprecated undefined: what aggregation expressions call nullish. */
export function isNullish(value: Value | undefined): value is null | undefined | BsonUndefined {
  return value === undefined || value === null || value instanceof BsonUndefined
}

const SMALL_INTS = Array.from({ length: 1280 }, (_, index) => new Int32(index - 256))

/** An int32; small ones are shared, so an `Int32` must never be changed. */
export function int(value: number): Int32 {
  return (value >= -256 && value < 1024 && SMALL_INTS[value + 256]) || new Int32(value)
}

/** Milliseconds since the epoch; a bigint for dates that JavaScript cannot hold. */
export function dateMillis(date: Date): number | bigint {
  return date instanceof FarDate ? date.milliseconds : date.getTime()
}

/** A date from int64 milliseconds. */
export function dateFromMillis(milliseconds: bigint | number): Date {
  const asNumber = Number(milliseconds)
  return Math.abs(asNumber) <= 8.64e15 ? new Date(asNumber) : new FarDate(BigInt(milliseconds))
}

/** The unsigned 64 bits of a timestamp: seconds in the high half, increment in the low half. */
export function timestampBits(timestamp: Timestamp): bigint {
  return (BigInt(timestamp.high >>> 0) << 32n) | BigInt(timestamp.low >>> 0)
}

export function doc(entries: Iterable<readonly [string, Value]> = []): Doc {
  return new Map(entries)
}

/**
 * A document from a plain object, with the numeric types the official driver would send: an integral number within 32
 * bits is an int32, any other number a double, a `bigint` an int64. Fields that are `undefined` are left out. Classes of
 * any copy of `bson` are taken.
 */
export function toDoc(plain: object): Doc {
  if (isDoc(plain)) return plain
  const result: Doc = new Map()
  for (const [key, value] of Object.entries(plain)) if (value !== undefined) result.set(key, toValue(value))
  return result
}

/** As `toDoc`, for one value. */
export function toValue(plain: unknown): Value {
  switch (typeof plain) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return plain
    case 'number':
      return Number.isInteger(plain) && plain === (plain | 0) && !Object.is(plain, -0) ? int(plain) : plain
    case 'undefined':
      return null
    case 'object':
      break
    default:
      throw new TypeError(`no BSON value for a ${typeof plain}`)
  }
  if (plain === null) return null
  if (Array.isArray(plain)) return plain.map(toValue)
  if (plain instanceof Map || plain instanceof Date) return plain
  if (plain instanceof BsonUndefined || plain instanceof DbPointer || plain instanceof CodeWithScope) return plain
  if (plain instanceof RegExp) return new BSONRegExp(plain.source, plain.flags.replace(/[^ims]/g, ''))
  if (plain instanceof Uint8Array) return new Binary(plain)
  if ('_bsontype' in plain) return fromBsonClass(plain)
  return toDoc(plain)
}

function fromBsonClass(plain: { _bsontype: unknown }): Value {
  switch (plain._bsontype) {
    case 'Double':
      return Number((plain as Double).value)
    case 'Int32':
      return int((plain as Int32).value)
    case 'Long':
      return (plain as Long).toBigInt()
    case 'ObjectId':
      return new ObjectId((plain as ObjectId).toHexString())
    case 'Decimal128':
      return new Decimal128((plain as Decimal128).bytes)
    case 'Binary': {
      const binary = plain as Binary
      return new Binary(binary.buffer.slice(0, binary.position), binary.sub_type)
    }
    case 'BSONRegExp':
      return new BSONRegExp((plain as BSONRegExp).pattern, (plain as BSONRegExp).options)
    case 'Timestamp':
      return new Timestamp({ t: (plain as Timestamp).t, i: (plain as Timestamp).i })
    case 'MinKey':
      return new MinKey()
    case 'MaxKey':
      return new MaxKey()
    case 'BSONSymbol':
      return new BSONSymbol((plain as BSONSymbol).value)
    case 'Code': {
      const { code, scope } = plain as Code
      return scope ? new CodeWithScope(code, toDoc(scope)) : new Code(code)
    }
    case 'DBRef': {
      const { collection, oid, db, fields } = plain as DBRef
      return toDoc({ $ref: collection, $id: oid, $db: db, ...fields })
    }
    default:
      throw new TypeError(`no BSON value for ${String(plain._bsontype)}`)
  }
}
