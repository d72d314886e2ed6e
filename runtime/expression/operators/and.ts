import type { Logical } from './logical.ts'

/** `%and`: all of a list hold. */
export const and: Logical = function* (children, evaluate) {
  for (const child of children) if (!(yield* evaluate(child))) return false
  return true
}
