import { ordered } from './order.ts'

/** `$gte`: greater than or equal, between values of the same type. */
export const gte = ordered((order) => order >= 0)
