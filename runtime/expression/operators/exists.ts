import type { Comparison } from './comparison.ts'

/** `$exists`: whether a value is present, null included. */
export const exists: Comparison = (left, operand) => (left !== undefined) === (operand === true)
