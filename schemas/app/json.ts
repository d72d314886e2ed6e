import * as z from 'zod'
import type { Json, JsonObject } from './definition.ts'

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Any value that `JSON.parse` returned: not walked again, so that deep nesting costs nothing. */
export const json = z.custom<Json>((value) => value !== undefined)

/** A JSON object, its members unchecked. */
export const jsonObject = z.custom<JsonObject>(isJsonObject, 'expected an object')

/** Exports write `null` for what is not set; a missing key means the same. */
export function optional<S extends z.ZodType>(schema: S) {
  return schema.nullish().transform((value) => value ?? undefined)
}

/** A string that names one of `values`, whatever its case. */
export function keyword<const V extends readonly string[]>(...values: V) {
  return z.string().transform((text, context): V[number] => {
    const found = values.find((value) => value.toLowerCase() === text.trim().toLowerCase())
    if (found !== undefined) return found
    context.addIssue({ code: 'custom', message: `expected one of ${values.join(', ')}; got "${text}"` })
    return z.NEVER
  })
}

/** Several exports hold one string where the documentation shows an array, and the reverse. */
export const stringList = z.union([z.string().transform((text) => [text]), z.array(z.string())])
