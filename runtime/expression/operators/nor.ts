import type { Logical } from './logical.ts'
import { or } from './or.ts'

/** `%nor`: none of a list holds. */
export const nor: Logical = function* (children, evaluate) {
  return !(yield* or(children, evaluate))
}
