import type { Logical } from './logical.ts'

/** `%or`: at least one of a list holds. */
export const or: Logical = function* (children, evaluate) {
  for (const child of children) if (yield* evaluate(child)) return true
  return false
}
