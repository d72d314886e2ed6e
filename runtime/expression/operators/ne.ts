import type { Comparison } from './comparison.ts'
import { equalOrContains } from './equality.ts'

/** `$ne`: the negation of `$eq`; true for a missing value. */
export const ne: Comparison = (left, operand) => !equalOrContains(left, operand)
