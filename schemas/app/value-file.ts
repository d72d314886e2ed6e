import * as z from 'zod'
import { json, jsonObject, optional } from './json.ts'

/** One file of `values/` (spec: app folder 9). */
export const valueFile = z.object({
  name: optional(z.string()),
  from_secret: optional(z.boolean()),
  value: json.optional(),
})

/** One file of `environments/` (spec: app folder 8). */
export const environmentFile = z.object({ values: optional(jsonObject) })
