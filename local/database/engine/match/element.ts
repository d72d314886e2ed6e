import { exactInteger } from '../../bson/number.ts'
import { isTypeName, TYPE_NAMES_BY_CODE, type TypeName } from '../../bson/types.ts'
import { BsonUndefined, Decimal128, Int32, isNumber, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import type { Test } from './condition.ts'

/** MongoDB's notion of true in options and conditions: everything but false, null, missing and zero. */
export function isTrue(value: Value | undefined): boolean {
  if (typeof value === 'boolean') return value
  if (value === undefined || value === null || value instanceof BsonUndefined) return false
  if (value instanceof Int32) return value.value !== 0
  if (typeof value === 'number') return value !== 0
  if (typeof value === 'bigint') return value !== 0n
  if (value instanceof Decimal128) return exactInteger(value) !== 0n
  return true
}

const NUMBER_TYPES: readonly TypeName[] = ['int', 'long', 'double', 'decimal']

/** The BSON types that a `$type` or `bsonType` operand names by alias, number, or a list of them. */
export function parseTypes(operand: Value, keyword = '$type'): Set<TypeName> {
  const names = new Set<TypeName>()
  const items = Array.isArray(operand) ? operand : [operand]
  if (items.length === 0) throw new DatabaseError(9, `${keyword} must match at least one type`)
  for (const item of items) {
    if (typeof item === 'string') {
      if (item === 'number') for (const name of NUMBER_TYPES) names.add(name)
      else if (isTypeName(item)) names.add(item)
      else throw new DatabaseError(2, `Unknown type name alias: ${item}`)
    } else if (isNumber(item)) {
      const code = exactInteger(item)
      const name = code === 255n ? 'minKey' : TYPE_NAMES_BY_CODE.get(Number(code))
      if (code === 0n) {
        throw new DatabaseError(
          9,
          'Invalid numerical type code: 0. Instead use {$exists:false} to check for missing field.',
        )
      }
      if (name === undefined) throw new DatabaseError(2, `Invalid numerical type code: ${item}`)
      names.add(name)
    } else {
      throw new DatabaseError(14, 'type must be represented as a number or a string')
    }
  }
  return names
}

export function hasType(operand: Value): Test {
  const names = parseTypes(operand)
  if (names.size === 1) {
    const [name] = names
    return (value) => value !== undefined && typeName(value) === name
  }
  return (value) => value !== undefined && names.has(typeName(value))
}
