import { bsonKind, isNumberKind } from '../../data/bson-kind.ts'
import { compareBson } from '../../data/bson-order.ts'
import type { Comparison } from './comparison.ts'

/** A comparison of order: false between different types; numbers are one type. */
export function ordered(holds: (order: number) => boolean): Comparison {
  return (left, operand) => {
    const leftKind = bsonKind(left)
    const operandKind = bsonKind(operand)
    const comparable = leftKind === operandKind || (isNumberKind(leftKind) && isNumberKind(operandKind))
    return leftKind !== undefined && comparable && holds(compareBson(left, operand))
  }
}
