import { toDouble } from '../../bson/number.ts'
import { type Doc, isDoc, isNumber, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import type { QueryEnv } from '../env.ts'
import type { Evaluate } from '../expression/scope.ts'
import type { MatchDetails, Matches } from '../match/condition.ts'
import { compileMatcher } from '../match/filter.ts'

/** A change that a find projection makes to one path after everything else. */
export interface PathTransform {
  readonly parts: readonly string[]
  readonly apply: (value: Value, doc: Doc) => Value
}

const whole = (value: Value): number => Math.trunc(toDouble(value as number))

/** `{ $slice: n }` or `{ $slice: [skip, limit] }` on an array; other values stay. */
export function slice(operand: Value): (value: Value) => Value {
  if (isNumber(operand)) {
    const count = whole(operand)
    return (value) => {
      if (!Array.isArray(value)) return value
      return count >= 0 ? value.slice(0, count) : value.slice(count)
    }
  }
  if (!Array.isArray(operand) || operand.length !== 2 || !operand.every(isNumber)) {
    throw new DatabaseError(28724, 'First argument to $slice must be an array, but is of type: int')
  }
  const [skip, limit] = operand.map(whole) as [number, number]
  if (limit <= 0) throw new DatabaseError(28729, `Third argument to $slice must be positive: ${limit}`)
  return (value) => {
    if (!Array.isArray(value)) return value
    const start = skip >= 0 ? skip : Math.max(0, value.length + skip)
    return value.slice(start, start + limit)
  }
}

export function isFindSlice(operand: Value): boolean {
  return isNumber(operand) || (Array.isArray(operand) && operand.length === 2 && operand.every(isNumber))
}

/** `{ $elemMatch: filter }`: an array of the first element that matches; missing when none does. */
export function elemMatch(path: string, operand: Value, env: QueryEnv): Evaluate {
  if (!isDoc(operand))
    throw new DatabaseError(31274, `elemMatch: Invalid argument, object required, but got ${operand}`)
  if (path.includes('.')) throw new DatabaseError(31275, 'Cannot use $elemMatch projection on a nested field.')
  const matches = compileMatcher(new Map([[path, new Map([['$elemMatch', operand]])]]), env)
  return (doc) => {
    const value = doc.get(path)
    if (!Array.isArray(value)) return undefined
    const details: MatchDetails = {}
    const found = matches(doc, details) && details.index !== undefined ? value[details.index] : undefined
    return found === undefined ? undefined : [found]
  }
}

/** `a.$`: the first element of the array through which the query matched. */
export function positional(path: string, filter: Doc | undefined, env: QueryEnv): PathTransform {
  const matches: Matches = filter === undefined ? () => false : compileMatcher(filter, env)
  return {
    parts: path.split('.'),
    apply: (value, doc) => {
      if (!Array.isArray(value)) return value
      const details: MatchDetails = {}
      const found = matches(doc, details) && details.index !== undefined ? value[details.index] : undefined
      if (found === undefined) {
        throw new DatabaseError(51246, "positional operator '.$' couldn't find a matching element in the array")
      }
      return [found]
    },
  }
}
