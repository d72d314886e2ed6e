import { bsonKind, isNumberKind } from '../../data/bson-kind.ts'
import { compareBson } from '../../data/bson-order.ts'
import type { Comparison } from './comparison.ts'

/** A comparison of order: false between different types, numbers being one, and for lists and documents. */
export function ordered(holds: (order: number) => boolean): Comparison {
  return (left, operand) => {
    const leftKind = bsonKind(left)
    const operandKind = bsonKind(operand)
    const comparable = leftKind === operandKind || (isNumberKind(leftKind) && isNumberKind(operandKind))
    const scalar = leftKind !== undefined && leftKind !== 'array' && leftKind !== 'object'
    return scalar && comparable && holds(compareBson(left, operand))
  }
}
