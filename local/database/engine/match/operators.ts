import { exactInteger, toDouble } from '../../bson/number.ts'
import { printDouble, printValue } from '../../bson/print.ts'
import { BSONRegExp, type Doc, isDoc, isNumber, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import type { QueryEnv } from '../env.ts'
import { entryOf } from '../table.ts'
import { bits } from './bitwise.ts'
import { equals, greater, greaterOrEqual, isIn, less, lessOrEqual, matchesRegex } from './comparison.ts'
import { all, atPath, type Condition, type Matches, not, onValue, test } from './condition.ts'
import { hasType, isTrue } from './element.ts'
import { mod, regex } from './evaluation.ts'

/** Compiles the filter of an `$elemMatch`; given by the filter's compiler, which needs these operators. */
export type CompileInner = (filter: Doc, env: QueryEnv) => Matches

type Operator = (operand: Value, env: QueryEnv, siblings: Doc, inner: CompileInner) => Condition

const NO_CONDITION: Condition = { kind: 'all', conditions: [] }
const LOGICAL = new Set(['$and', '$or', '$nor', '$where', '$expr', '$jsonSchema'])

/** Whether a document stands for operators (`{ $gt: 1 }`) rather than for itself. DBRefs stand for themselves. */
export function hasOperators(value: Value): value is Doc {
  if (!isDoc(value)) return false
  const first = value.keys().next().value
  return first?.startsWith('$') === true && first !== '$ref' && first !== '$id' && first !== '$db'
}

function size(operand: Value): Condition {
  if (!isNumber(operand)) {
    throw new DatabaseError(9, `Failed to parse $size. Expected a number in: $size: ${printValue(operand)}`)
  }
  const expected = exactInteger(operand)
  if (expected === undefined) {
    throw new DatabaseError(9, `Failed to parse $size. Expected an integer: $size: ${printValue(operand)}`)
  }
  if (expected < 0n) {
    throw new DatabaseError(
      9,
      `Failed to parse $size. Expected a non-negative number in: $size: ${printValue(operand)}`,
    )
  }
  return test((value) => Array.isArray(value) && BigInt(value.length) === expected, false)
}

function negated(operand: Value, env: QueryEnv, inner: CompileInner): Condition {
  if (operand instanceof BSONRegExp) return not(test(matchesRegex(operand)))
  if (!isDoc(operand)) throw new DatabaseError(2, '$not needs a regex or a document')
  if (operand.size === 0) throw new DatabaseError(2, '$not cannot be empty')
  return not(compileOperators(operand, env, inner))
}

/** An array's elements as the document that an `$elemMatch` on nested arrays sees. */
function asDoc(items: readonly Value[]): Doc {
  return new Map(items.map((item, index) => [String(index), item]))
}

function elemMatch(operand: Value, env: QueryEnv, inner: CompileInner): Condition {
  if (!isDoc(operand)) throw new DatabaseError(2, '$elemMatch needs an Object')
  const first = operand.keys().next().value
  if (hasOperators(operand) && !LOGICAL.has(first ?? '')) {
    const matches = onValue(compileOperators(operand, env, inner))
    return test((value, details) => {
      if (!Array.isArray(value)) return false
      const index = value.findIndex((item) => matches(item))
      if (index >= 0 && details) details.index = index
      return index >= 0
    }, false)
  }
  const matches = inner(operand, env)
  return test((value, details) => {
    if (!Array.isArray(value)) return false
    const index = value.findIndex((item) =>
      isDoc(item) ? matches(item) : Array.isArray(item) ? matches(asDoc(item)) : false,
    )
    if (index >= 0 && details) details.index = index
    return index >= 0
  }, false)
}

function allOf(operand: Value, env: QueryEnv, inner: CompileInner): Condition {
  if (!Array.isArray(operand)) throw new DatabaseError(2, '$all needs an array')
  if (operand.length === 0) return test(() => false)
  const first = operand[0]!
  if (isDoc(first) && first.keys().next().value === '$elemMatch') {
    return all(
      operand.map((item) => {
        const condition = isDoc(item) ? item.get('$elemMatch') : undefined
        if (condition === undefined) throw new DatabaseError(2, '$all/$elemMatch has to be consistent')
        return elemMatch(condition, env, inner)
      }),
    )
  }
  return all(
    operand.map((item) => {
      if (item instanceof BSONRegExp) return test(matchesRegex(item))
      if (hasOperators(item)) throw new DatabaseError(2, 'no $ expressions in $all')
      return test(equals(item, env.collation))
    }),
  )
}

const refused =
  (operator: string): Operator =>
  () => {
    throw new DatabaseError(238, `${operator} is not supported: the local database has no geospatial queries`)
  }

const OPERATORS: Readonly<Record<string, Operator>> = {
  $eq: (operand, env) => {
    if (operand instanceof BSONRegExp) return test((value) => value instanceof BSONRegExp && equalRegex(value, operand))
    return test(equals(operand, env.collation))
  },
  $ne: (operand, env) => {
    if (operand instanceof BSONRegExp) throw new DatabaseError(2, "Can't have regex as arg to $ne.")
    return not(test(equals(operand, env.collation)))
  },
  $gt: (operand, env) => test(greater(operand, env)),
  $gte: (operand, env) => test(greaterOrEqual(operand, env)),
  $lt: (operand, env) => test(less(operand, env)),
  $lte: (operand, env) => test(lessOrEqual(operand, env)),
  $in: (operand, env) => test(isIn(operand, env)),
  $nin: (operand, env) => {
    if (!Array.isArray(operand)) throw new DatabaseError(2, '$nin needs an array')
    return not(test(isIn(operand, env)))
  },
  $not: (operand, env, _siblings, inner) => negated(operand, env, inner),
  $exists: (operand) => {
    const exists = test((value) => value !== undefined, false)
    return isTrue(operand) ? exists : not(exists)
  },
  $type: (operand) => test(hasType(operand)),
  $mod: (operand) => test(mod(operand)),
  $regex: (operand, _env, siblings) => test(regex(operand, siblings)),
  $options: (_operand, _env, siblings) => {
    if (!siblings.has('$regex')) throw new DatabaseError(2, '$options needs a $regex')
    return NO_CONDITION
  },
  $size: size,
  $elemMatch: (operand, env, _siblings, inner) => elemMatch(operand, env, inner),
  $all: (operand, env, _siblings, inner) => allOf(operand, env, inner),
  $bitsAllSet: (operand) => test(bits('allSet')(operand)),
  $bitsAllClear: (operand) => test(bits('allClear')(operand)),
  $bitsAnySet: (operand) => test(bits('anySet')(operand)),
  $bitsAnyClear: (operand) => test(bits('anyClear')(operand)),
  $comment: () => NO_CONDITION,
  $geoWithin: refused('$geoWithin'),
  $geoIntersects: refused('$geoIntersects'),
  $near: refused('$near'),
  $nearSphere: refused('$nearSphere'),
  $within: refused('$within'),
  $geoNear: refused('$geoNear'),
}

function equalRegex(a: BSONRegExp, b: BSONRegExp): boolean {
  return a.pattern === b.pattern && a.options === b.options
}

/** The operators of one field, `{ $gt: 1, $lt: 5 }`, all of which must hold. */
export function compileOperators(operators: Doc, env: QueryEnv, inner: CompileInner): Condition {
  const conditions: Condition[] = []
  for (const [name, operand] of operators) {
    const operator = entryOf(OPERATORS, name)
    if (operator === undefined) throw new DatabaseError(2, `unknown operator: ${name}`)
    const condition = operator(operand, env, operators, inner)
    if (condition !== NO_CONDITION) conditions.push(condition)
  }
  return all(conditions)
}

/** One entry of a filter that names a field. */
export function compileField(path: string, operand: Value, env: QueryEnv, inner: CompileInner): Matches {
  if (operand instanceof BSONRegExp) return atPath(path, test(matchesRegex(operand)))
  if (hasOperators(operand)) return atPath(path, compileOperators(operand, env, inner))
  return atPath(path, test(equals(operand, env.collation)))
}

/** `$sampleRate`: keeps a document with this probability. */
export function sampleRate(operand: Value, env: QueryEnv): Matches {
  if (!isNumber(operand)) {
    throw new DatabaseError(2, `argument to $sampleRate must be a numeric type, but found ${printValue(operand)}`)
  }
  const rate = toDouble(operand)
  if (!(rate >= 0 && rate <= 1)) {
    throw new DatabaseError(2, `numeric argument to $sampleRate must be in [0, 1], but found ${printDouble(rate)}`)
  }
  return () => env.random() < rate
}
