import { Double, EJSON, Long } from 'bson'
import { setOwn, toFunctionValue } from '../values.ts'

/** Numbers of JavaScript in the typed form that `EJSON.stringify` of App Services shows: integral ones are int64. */
function typed(value: unknown): unknown {
  if (typeof value === 'number')
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? Long.fromNumber(value) : new Double(value)
  if (typeof value === 'function' && 'toBSON' in value && typeof value.toBSON === 'function') return value.toBSON()
  if (typeof value !== 'object' || value === null || '_bsontype' in value) return value
  if (Array.isArray(value)) return value.map(typed)
  if (value instanceof Date || value instanceof RegExp || value instanceof Map || ArrayBuffer.isView(value))
    return value
  if ('toJSON' in value && typeof value.toJSON === 'function') return typed(value.toJSON())
  const copy: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) setOwn(copy, key, typed(item))
  return copy
}

/**
 * Canonical Extended JSON as the function runtime writes it: 42 is `{"$numberLong":"42"}`, also in request bodies with
 * `encodeBodyAsJSON` (spec: function runtime 4 and 6).
 */
export function stringifyEjson(value: unknown, replacer?: unknown, space?: string | number): string {
  const indent = typeof replacer === 'number' || typeof replacer === 'string' ? replacer : space
  return EJSON.stringify(typed(value), null, indent ?? 0, { relaxed: false })
}

/** Parses Extended JSON, canonical or relaxed, into what functions work with. @throws on invalid JSON or wrappers */
export function parseEjson(text: string): unknown {
  return toFunctionValue(EJSON.parse(String(text), { relaxed: false }))
}

/** The `EJSON` global of one run. */
export function createEjson(): Record<string, unknown> {
  return { stringify: stringifyEjson, parse: parseEjson }
}
