import { ordered } from './order.ts'

/** `$lt`: less than, between values of the same type. */
export const lt = ordered((order) => order < 0)
