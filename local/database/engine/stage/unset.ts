import type { Doc, Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'

/** `$unset`'s field or fields as an exclusion projection. */
export function unsetSpec(spec: Value): Doc {
  const fields = Array.isArray(spec) ? spec : [spec]
  if (Array.isArray(spec) && spec.length === 0) {
    throw new DatabaseError(31119, '$unset specification must be a string or an array with at least one field')
  }
  const result: Doc = new Map()
  for (const field of fields) {
    if (typeof field !== 'string') {
      throw Array.isArray(spec)
        ? new DatabaseError(31120, '$unset specification must be a string or an array containing only string values')
        : new DatabaseError(31002, '$unset specification must be a string or an array')
    }
    result.set(field, false)
  }
  return result
}
