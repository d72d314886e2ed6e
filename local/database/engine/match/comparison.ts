import { type Collation, compareNumbers, compareValues, typeOrder, valuesEqual } from '../../bson/compare.ts'
import { hashKey } from '../../bson/hash.ts'
import { isNaNValue } from '../../bson/number.ts'
import {
  BSONRegExp,
  BSONSymbol,
  BsonUndefined,
  Int32,
  isNumber,
  MaxKey,
  MinKey,
  ObjectId,
  type Value,
} from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import type { QueryEnv } from '../env.ts'
import type { Test } from './condition.ts'
import { compileRegex } from './regex.ts'

/** `$eq`: null also equals missing; a regex equals the same regex. */
export function equals(operand: Value, collation: Collation | undefined): Test {
  if (typeof operand === 'string' && collation === undefined) {
    return (value) => value === operand || (value instanceof BSONSymbol && value.value === operand)
  }
  if (operand === null || operand instanceof BsonUndefined) {
    return (value) => value === null || value === undefined || value instanceof BsonUndefined
  }
  if (operand instanceof Int32 || typeof operand === 'number') {
    const expected = operand instanceof Int32 ? operand.value : operand
    return (value) => {
      if (value instanceof Int32) return value.value === expected
      if (typeof value === 'string') return false
      return isNumber(value) && compareNumbers(value, operand) === 0
    }
  }
  if (operand instanceof ObjectId) return (value) => value instanceof ObjectId && compareValues(value, operand) === 0
  return (value) => value !== undefined && valuesEqual(value, operand, collation)
}

type Relation = '$gt' | '$gte' | '$lt' | '$lte'

const HOLDS: Readonly<Record<Relation, (order: number) => boolean>> = {
  $gt: (order) => order > 0,
  $gte: (order) => order >= 0,
  $lt: (order) => order < 0,
  $lte: (order) => order <= 0,
}

function ordered(relation: Relation): (operand: Value, env: QueryEnv) => Test {
  const holds = HOLDS[relation]
  const allowsEqual = holds(0)
  return (operand, { collation }) => {
    if (operand instanceof BSONRegExp) {
      throw new DatabaseError(2, `Can't have RegEx as arg to predicate over field ''.`)
    }
    if (operand === null || operand instanceof BsonUndefined) return allowsEqual ? equals(null, collation) : () => false
    if (operand instanceof MinKey || operand instanceof MaxKey) {
      return (value) => holds(compareValues(value, operand, collation))
    }
    if (isNumber(operand)) {
      if (isNaNValue(operand)) return allowsEqual ? equals(operand, collation) : () => false
      if (operand instanceof Int32 || typeof operand === 'number') {
        const limit = operand instanceof Int32 ? operand.value : operand
        return (value) => {
          if (typeof value === 'number')
            return !Number.isNaN(value) && holds(value - limit || compareNumbers(value, limit))
          if (value instanceof Int32) return holds(value.value - limit)
          return isNumber(value) && !isNaNValue(value) && holds(compareNumbers(value, operand))
        }
      }
      return (value) => isNumber(value) && !isNaNValue(value) && holds(compareNumbers(value, operand))
    }
    const bracket = typeOrder(operand)
    return (value) =>
      value !== undefined && typeOrder(value) === bracket && holds(compareValues(value, operand, collation))
  }
}

export const greater = ordered('$gt')
export const greaterOrEqual = ordered('$gte')
export const less = ordered('$lt')
export const lessOrEqual = ordered('$lte')

/** `/pattern/` as a condition: a string that it matches, or the same regex. */
export function matchesRegex(operand: BSONRegExp): Test {
  const regex = compileRegex(operand.pattern, operand.options)
  return (value) => {
    if (typeof value === 'string') return regex.test(value)
    if (value instanceof BSONSymbol) return regex.test(value.value)
    return value instanceof BSONRegExp && valuesEqual(value, operand)
  }
}

/** `$in`: any of the values; a regex among them matches as a regex. */
export function isIn(operand: Value, { collation }: QueryEnv): Test {
  if (!Array.isArray(operand)) throw new DatabaseError(2, '$in needs an array')
  const regexes: Test[] = []
  const plain: Value[] = []
  for (const item of operand) {
    if (item instanceof BSONRegExp) regexes.push(matchesRegex(item))
    else {
      if (item instanceof Map) {
        const first = item.keys().next().value
        if (first?.startsWith('$') && !['$ref', '$id', '$db'].includes(first)) {
          throw new DatabaseError(2, `cannot nest $ under $in`)
        }
      }
      plain.push(item)
    }
  }
  const hasNull = plain.some((item) => item === null)
  let isPlain: Test
  if (plain.length <= 4) {
    const tests = plain.map((item) => equals(item, collation))
    isPlain = (value) => tests.some((run) => run(value))
  } else {
    const keys = new Set(plain.map((item) => hashKey(item, collation)))
    isPlain = (value) =>
      value === undefined || value instanceof BsonUndefined ? hasNull : keys.has(hashKey(value, collation))
  }
  if (regexes.length === 0) return isPlain
  return (value) => isPlain(value) || regexes.some((run) => run(value))
}
