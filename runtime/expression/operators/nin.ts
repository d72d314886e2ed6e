import type { Comparison } from './comparison.ts'
import { isIn } from './in.ts'

/** `$nin`: the negation of `$in`; true for a missing value. */
export const isNotIn: Comparison = (left, operand) => !isIn(left, operand)
