import { equalBson } from '../../data/bson-order.ts'
import type { Comparison } from './comparison.ts'

/** `$in`: the value, or any element when it is an array, is in the list. False when the operand is no list. */
export const isIn: Comparison = (left, operand) => {
  if (left === undefined || !Array.isArray(operand)) return false
  const candidates = Array.isArray(left) ? [left, ...left] : [left]
  return candidates.some((candidate) => operand.some((item) => equalBson(item, candidate)))
}
