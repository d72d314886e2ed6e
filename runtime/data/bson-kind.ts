import type { Document } from 'bson'

/** The BSON types by the names that schemas and `$type` use. */
export type BsonKind =
  | 'double'
  | 'string'
  | 'object'
  | 'array'
  | 'binData'
  | 'objectId'
  | 'bool'
  | 'date'
  | 'null'
  | 'regex'
  | 'javascript'
  | 'symbol'
  | 'int'
  | 'timestamp'
  | 'long'
  | 'decimal'
  | 'minKey'
  | 'maxKey'

const kinds: Record<string, BsonKind> = {
  Int32: 'int',
  Double: 'double',
  Long: 'long',
  Decimal128: 'decimal',
  ObjectId: 'objectId',
  Binary: 'binData',
  BSONRegExp: 'regex',
  BSONSymbol: 'symbol',
  Code: 'javascript',
  Timestamp: 'timestamp',
  MinKey: 'minKey',
  MaxKey: 'maxKey',
  DBRef: 'object',
}

/**
 * The BSON type a value is stored as; undefined for what BSON has no type for (`undefined`, functions, symbols).
 *
 * Classes are told by the `_bsontype` of their prototype: two copies of the library may be loaded (its ES module and
 * the driver's CommonJS), and a stored field may be named `_bsontype`.
 */
export function bsonKind(value: unknown): BsonKind | undefined {
  switch (typeof value) {
    case 'string':
      return 'string'
    case 'number':
      return Number.isInteger(value) && value === (value | 0) && !Object.is(value, -0) ? 'int' : 'double'
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'long'
    case 'object':
      return value === null ? 'null' : objectKind(value)
    default:
      return undefined
  }
}

function objectKind(value: object): BsonKind {
  if (Array.isArray(value)) return 'array'
  if (value instanceof Date) return 'date'
  if (value instanceof Uint8Array) return 'binData'
  if (value instanceof RegExp) return 'regex'
  if ('_bsontype' in value && !Object.hasOwn(value, '_bsontype')) return kinds[String(value._bsontype)] ?? 'object'
  return 'object'
}

/** True for an embedded document, as opposed to an array or a value of a BSON class. */
export function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && objectKind(value) === 'object'
}

export function isNumberKind(kind: BsonKind | undefined): boolean {
  return kind === 'int' || kind === 'long' || kind === 'double' || kind === 'decimal'
}
