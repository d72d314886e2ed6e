import type { ReturnType } from '../../schemas/app/definition.ts'
import { stringifyEjson } from '../ejson/index.ts'

/** A function's result as text: a string is quoted, a value JSON cannot hold is null. */
export function serializeResult(result: unknown, format: ReturnType): string {
  return stringifyEjson(result, format)
}
