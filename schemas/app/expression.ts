import * as z from 'zod'
import type { Expression } from './definition.ts'
import { isJsonObject } from './json.ts'

/** A rule expression: a boolean, an object, or one of the two constants written as a string. */
export const expression = z.unknown().transform((value, context): Expression => {
  if (typeof value === 'boolean') return value
  if (isJsonObject(value)) return value
  if (value === '%%true') return true
  if (value === '%%false') return false
  context.addIssue({ code: 'custom', message: 'expected true, false or an expression object' })
  return z.NEVER
})
