import { ordered } from './order.ts'

/** `$lte`: less than or equal, between values of the same type. */
export const lte = ordered((order) => order <= 0)
