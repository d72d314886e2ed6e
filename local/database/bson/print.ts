import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  BsonUndefined,
  Code,
  CodeWithScope,
  DbPointer,
  Decimal128,
  dateMillis,
  Int32,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  type Value,
} from './value.ts'

/** A double as MongoDB's messages show it: `1.0`, `0.5`, `nan.0`, `inf.0`. */
export function printDouble(value: number): string {
  if (Number.isNaN(value)) return 'nan.0'
  if (!Number.isFinite(value)) return value < 0 ? '-inf.0' : 'inf.0'
  if (Object.is(value, -0)) return '-0.0'
  const text = Math.abs(value) >= 1e16 ? value.toExponential().replace(/e\+?/, 'e+') : String(value)
  return /[.e]/.test(text) ? text : `${text}.0`
}

/** A value as MongoDB's error texts show it, for example `{ a: 1, b: [ "x", 2.5 ], _id: ObjectId('...') }`. */
export function printValue(value: Value | undefined): string {
  switch (typeof value) {
    case 'string':
      return `"${value}"`
    case 'number':
      return printDouble(value)
    case 'boolean':
    case 'bigint':
      return String(value)
    case 'undefined':
      return 'EOO'
    default:
  }
  if (value === null) return 'null'
  if (value instanceof Int32) return String(value.value)
  if (value instanceof Map) {
    if (value.size === 0) return '{}'
    return `{ ${Array.from(value, ([key, item]) => `${key}: ${printValue(item)}`).join(', ')} }`
  }
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `[ ${value.map(printValue).join(', ')} ]`
  if (value instanceof ObjectId) return `ObjectId('${value.toHexString()}')`
  if (value instanceof Date) return `new Date(${dateMillis(value)})`
  if (value instanceof Decimal128) return value.toString()
  if (value instanceof Binary) return printBinary(value)
  if (value instanceof BSONRegExp) return `/${value.pattern}/${value.options}`
  if (value instanceof Timestamp) return `Timestamp(${value.t}, ${value.i})`
  if (value instanceof Code) return value.code
  if (value instanceof CodeWithScope) return `CodeWScope( ${value.code}, ${printValue(value.scope)})`
  if (value instanceof BSONSymbol) return `"${value.value}"`
  if (value instanceof BsonUndefined) return 'undefined'
  if (value instanceof DbPointer) return `DBRef('${value.namespace}',${value.id.toHexString()})`
  if (value instanceof MinKey) return 'MinKey'
  if (value instanceof MaxKey) return 'MaxKey'
  throw new TypeError('not a BSON value')
}

function printBinary(value: Binary): string {
  const hex = value.toString('hex')
  if (value.sub_type === 4 && hex.length === 32) {
    return `UUID("${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}")`
  }
  return `BinData(${value.sub_type}, ${hex.toUpperCase()})`
}
