import { ordered } from './order.ts'

/** `$gt`: greater than, between values of the same type. */
export const gt = ordered((order) => order > 0)
