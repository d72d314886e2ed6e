/** The byte of each BSON type before a field's name, by MongoDB's alias of the type. Source: bsonspec.org. */
export const TYPE_BYTE = {
  double: 0x01,
  string: 0x02,
  object: 0x03,
  array: 0x04,
  binData: 0x05,
  undefined: 0x06,
  objectId: 0x07,
  bool: 0x08,
  date: 0x09,
  null: 0x0a,
  regex: 0x0b,
  dbPointer: 0x0c,
  javascript: 0x0d,
  symbol: 0x0e,
  javascriptWithScope: 0x0f,
  int: 0x10,
  timestamp: 0x11,
  long: 0x12,
  decimal: 0x13,
  minKey: 0xff,
  maxKey: 0x7f,
} as const

/** MongoDB's alias of a BSON type, as `$type` takes it. */
export type TypeName = keyof typeof TYPE_BYTE

/**
 * The places of the types in the BSON comparison order. Each is also the first byte of a value's key string: none is 0
 * (ends an object or array) and none comes near 255 even when inverted, because a string's zero byte is written as 0 255.
 *
 * Source: MongoDB's manual, "Comparison/Sort Order".
 */
export const TYPE_ORDER = {
  minKey: 0x02,
  undefined: 0x03,
  null: 0x04,
  number: 0x05,
  string: 0x06,
  object: 0x07,
  array: 0x08,
  binData: 0x09,
  objectId: 0x0a,
  bool: 0x0b,
  date: 0x0c,
  timestamp: 0x0d,
  regex: 0x0e,
  dbPointer: 0x0f,
  code: 0x10,
  codeWithScope: 0x11,
  maxKey: 0x12,
} as const

/** The place of a type; types with the same place compare with each other. */
export function orderOf(name: TypeName): number {
  switch (name) {
    case 'double':
    case 'int':
    case 'long':
    case 'decimal':
      return TYPE_ORDER.number
    case 'symbol':
      return TYPE_ORDER.string
    case 'javascript':
      return TYPE_ORDER.code
    case 'javascriptWithScope':
      return TYPE_ORDER.codeWithScope
    default:
      return TYPE_ORDER[name]
  }
}

/** The type's number as `$type` takes it: its byte, but -1 for minKey. */
export function typeCode(name: TypeName): number {
  return name === 'minKey' ? -1 : TYPE_BYTE[name]
}

const NAMES = Object.keys(TYPE_BYTE) as TypeName[]

export const TYPE_NAMES_BY_CODE: ReadonlyMap<number, TypeName> = new Map(NAMES.map((name) => [typeCode(name), name]))

export function isTypeName(name: string): name is TypeName {
  return Object.hasOwn(TYPE_BYTE, name)
}
