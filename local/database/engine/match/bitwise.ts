import { exactInteger, fitsLong } from '../../bson/number.ts'
import { printValue } from '../../bson/print.ts'
import { Binary, isNumber, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import type { Test } from './condition.ts'

type Wants = 'allSet' | 'allClear' | 'anySet' | 'anyClear'

/** The bit positions that the operand names: a mask, binary data, or a list of positions. */
function positions(operator: string, operand: Value): number[] {
  if (Array.isArray(operand)) return operand.map((item) => position(item))
  if (operand instanceof Binary) {
    const found: number[] = []
    for (let index = 0; index < operand.position * 8; index++) if (binaryBit(operand, index)) found.push(index)
    return found
  }
  if (!isNumber(operand)) {
    throw new DatabaseError(
      2,
      `${operator} takes an Array, a number, or a BinData but received: ${printValue(operand)}`,
    )
  }
  const mask = exactInteger(operand)
  if (mask === undefined) throw new DatabaseError(9, `Expected an integer: ${operator}: ${printValue(operand)}`)
  if (!fitsLong(mask)) {
    throw new DatabaseError(9, `Cannot represent as a 64-bit integer: ${operator}: ${printValue(operand)}`)
  }
  if (mask < 0n) throw new DatabaseError(9, `Expected a non-negative number in: ${operator}: ${printValue(operand)}`)
  const found: number[] = []
  for (let index = 0; index < 64; index++) if ((mask >> BigInt(index)) & 1n) found.push(index)
  return found
}

function position(item: Value): number {
  const value = isNumber(item) ? exactInteger(item) : undefined
  if (value === undefined) {
    throw new DatabaseError(2, `Failed to parse bit position. Expected a number in: ${printValue(item)}`)
  }
  if (value < 0n) {
    throw new DatabaseError(2, `Failed to parse bit position. Expected a non-negative number in: ${printValue(item)}`)
  }
  if (value > 2147483647n) {
    throw new DatabaseError(
      2,
      `Failed to parse bit position. Cannot represent as a 32-bit integer: ${printValue(item)}`,
    )
  }
  return Number(value)
}

function binaryBit(value: Binary, index: number): boolean {
  const byte = index >> 3
  return byte < value.position && ((value.buffer[byte]! >> (index & 7)) & 1) === 1
}

/** The value's bits; `undefined` when it has none (not binary, not an integer that fits 64 bits). */
function bitReader(value: Value | undefined): ((index: number) => boolean) | undefined {
  if (value instanceof Binary) return (index) => binaryBit(value, index)
  if (!isNumber(value)) return undefined
  const integer = exactInteger(value)
  if (integer === undefined || !fitsLong(integer)) return undefined
  return (index) => (index > 63 ? integer < 0n : ((integer >> BigInt(index)) & 1n) === 1n)
}

export function bits(wants: Wants): (operand: Value) => Test {
  const operator = `$bits${wants[0]!.toUpperCase()}${wants.slice(1)}`
  const set = wants.endsWith('Set')
  return (operand) => {
    const wanted = positions(operator, operand)
    return (value) => {
      const bit = bitReader(value)
      if (bit === undefined) return false
      return wants.startsWith('all')
        ? wanted.every((index) => bit(index) === set)
        : wanted.some((index) => bit(index) === set)
    }
  }
}
