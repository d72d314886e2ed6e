import { BSON } from 'mongodb'
import { isJson } from './format.ts'

const VALUE_KEYS = new Set([
  '$oid',
  '$symbol',
  '$numberInt',
  '$numberLong',
  '$numberDouble',
  '$numberDecimal',
  '$binary',
  '$uuid',
  '$code',
  '$timestamp',
  '$regularExpression',
  '$dbPointer',
  '$date',
  '$minKey',
  '$maxKey',
  '$undefined',
])

/**
 * Reads relaxed or canonical Extended JSON. Typed values become BSON classes, so that a `$numberLong` is sent as one;
 * plain numbers stay JavaScript numbers, because the driver's own options (`batchSize`, `limit`) must be such.
 * `{ $ref, $id }` stays a document: test files use it as data with dollar keys.
 */
export function fromExtendedJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromExtendedJson)
  if (!isJson(value)) return value
  const first = Object.keys(value)[0]
  if (first !== undefined && VALUE_KEYS.has(first)) return BSON.EJSON.deserialize(value, { relaxed: false })
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fromExtendedJson(inner)]))
}
