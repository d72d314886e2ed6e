import type { Comparison } from './comparison.ts'
import { equalOrContains } from './equality.ts'

/** `$eq`: equal, or contained when one side is an array. */
export const eq: Comparison = equalOrContains
