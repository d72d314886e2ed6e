import { compareValues } from '../../bson/compare.ts'
import { hashKey } from '../../bson/hash.ts'
import { isNullish, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { isTrue } from '../match/element.ts'
import { compile } from './compile.ts'
import { binary, compileArguments, type Operators, variadic } from './define.ts'
import type { CompileOperator, Evaluate, Scope } from './scope.ts'

type Input = Value | undefined

function byKey(items: readonly Value[], scope: Scope): Map<string, Value> {
  const result = new Map<string, Value>()
  for (const item of items) {
    const key = hashKey(item, scope.env.collation)
    if (!result.has(key)) result.set(key, item)
  }
  return result
}

function sorted(items: Iterable<Value>, scope: Scope): Value[] {
  return Array.from(items).sort((a, b) => compareValues(a, b, scope.env.collation))
}

function arrays(values: Iterable<Input>, code: number, describe: (type: string) => string): Value[][] | null {
  const result: Value[][] = []
  for (const value of values) {
    if (isNullish(value)) return null
    if (!Array.isArray(value)) throw new DatabaseError(code, describe(typeName(value)))
    result.push(value)
  }
  return result
}

const setUnion = variadic((values, _name, scope) => {
  const given = arrays(
    values,
    17043,
    (type) => `All operands of $setUnion must be arrays. One argument is of type: ${type}`,
  )
  return given && sorted(byKey(given.flat(), scope).values(), scope)
})

const setIntersection = variadic((values, _name, scope) => {
  const given = arrays(
    values,
    17047,
    (type) => `All operands of $setIntersection must be arrays. One argument is of type: ${type}`,
  )
  if (given === null) return null
  const [first = [], ...others] = given
  const sets = others.map((other) => byKey(other, scope))
  const kept = Array.from(byKey(first, scope)).filter(([key]) => sets.every((set) => set.has(key)))
  return sorted(
    kept.map(([, item]) => item),
    scope,
  )
})

function setDifference(left: Input, right: Input, _name: string, scope: Scope): Input {
  if (isNullish(left) || isNullish(right)) return null
  if (!Array.isArray(left)) {
    throw new DatabaseError(
      17048,
      `both operands of $setDifference must be arrays. First argument is of type: ${typeName(left)}`,
    )
  }
  if (!Array.isArray(right)) {
    throw new DatabaseError(
      17049,
      `both operands of $setDifference must be arrays. Second argument is of type: ${typeName(right)}`,
    )
  }
  const unwanted = byKey(right, scope)
  return Array.from(byKey(left, scope)).flatMap(([key, item]) => (unwanted.has(key) ? [] : [item]))
}

const setEquals: CompileOperator = (operand, scope) => {
  if (!Array.isArray(operand) || operand.length < 2) {
    throw new DatabaseError(
      17045,
      `$setEquals needs at least two arguments had: ${Array.isArray(operand) ? operand.length : 1}`,
    )
  }
  const parts = operand.map((argument) => compile(argument, scope))
  return (doc) => {
    const sets = parts.map((part) => {
      const value = part(doc)
      if (!Array.isArray(value)) {
        throw new DatabaseError(
          17044,
          `All operands of $setEquals must be arrays. One argument is of type: ${typeName(value)}`,
        )
      }
      return byKey(value, scope)
    })
    const [first, ...others] = sets as [Map<string, Value>, ...Map<string, Value>[]]
    return others.every((other) => other.size === first.size && Array.from(other.keys()).every((key) => first.has(key)))
  }
}

function setIsSubset(left: Input, right: Input, _name: string, scope: Scope): Input {
  if (!Array.isArray(left)) {
    throw new DatabaseError(
      17046,
      `both operands of $setIsSubset must be arrays. First argument is of type: ${typeName(left)}`,
    )
  }
  if (!Array.isArray(right)) {
    throw new DatabaseError(
      17042,
      `both operands of $setIsSubset must be arrays. Second argument is of type: ${typeName(right)}`,
    )
  }
  const whole = byKey(right, scope)
  return Array.from(byKey(left, scope).keys()).every((key) => whole.has(key))
}

function elements(code: number, judge: (items: readonly Value[]) => boolean): CompileOperator {
  return (operand, scope, name) => {
    const [part] = compileArguments(operand, scope, name, 1) as [Evaluate]
    return (doc) => {
      const value = part(doc)
      if (!Array.isArray(value))
        throw new DatabaseError(code, `${name}'s argument must be an array, but is ${typeName(value)}`)
      return judge(value)
    }
  }
}

export const SET: Operators = {
  $setUnion: setUnion,
  $setIntersection: setIntersection,
  $setDifference: binary(setDifference),
  $setEquals: setEquals,
  $setIsSubset: binary(setIsSubset),
  $anyElementTrue: elements(17041, (items) => items.some(isTrue)),
  $allElementsTrue: elements(17040, (items) => items.every(isTrue)),
}
