import { equalBson } from '../../data/bson-order.ts'

/**
 * Equality of values with their types; between an array and a single value, whether the array contains it.
 * A missing value equals nothing.
 */
export function equalOrContains(left: unknown, right: unknown): boolean {
  if (left === undefined || right === undefined) return false
  if (Array.isArray(left) !== Array.isArray(right)) {
    const [list, item] = Array.isArray(left) ? [left, right] : [right as unknown[], left]
    return list.some((element) => equalBson(element, item))
  }
  return equalBson(left, right)
}
