import { type Doc, isDoc, type Value } from '../../bson/value.ts'
import { arrayIndex, splitPath } from '../path.ts'

/** Where in an array a filter matched: what the positional operator `$` stands for. */
export interface MatchDetails {
  index?: number
}

export type Matches = (doc: Doc, details?: MatchDetails) => boolean

/** Judges one value; `undefined` is a missing field. */
export type Test = (value: Value | undefined, details?: MatchDetails) => boolean

/** What the operators of one field ask, before it is known which values the path leads to. */
export type Condition =
  | {
      readonly kind: 'test'
      readonly test: Test
      /** Whether an array at the end of the path is judged by its elements too, not only as a whole. */
      readonly entersArrays: boolean
    }
  | { readonly kind: 'all'; readonly conditions: readonly Condition[] }
  | { readonly kind: 'not'; readonly condition: Condition }

export function test(run: Test, entersArrays = true): Condition {
  return { kind: 'test', test: run, entersArrays }
}

export function all(conditions: readonly Condition[]): Condition {
  return conditions.length === 1 ? conditions[0]! : { kind: 'all', conditions }
}

export function not(condition: Condition): Condition {
  return { kind: 'not', condition }
}

/** The condition on the values that `path` leads to, through arrays as MongoDB enters them. */
export function atPath(path: string, condition: Condition): Matches {
  switch (condition.kind) {
    case 'all': {
      const parts = condition.conditions.map((part) => atPath(path, part))
      return (doc, details) => parts.every((matches) => matches(doc, details))
    }
    case 'not': {
      const matches = atPath(path, condition.condition)
      return (doc) => !matches(doc)
    }
    case 'test': {
      const parts = splitPath(path)
      if (parts.length === 1) {
        const { test, entersArrays } = condition
        return (doc, details) => judge(doc.get(path), test, entersArrays, details)
      }
      const walk: Walk = { parts, indexes: parts.map(arrayIndex), ...condition }
      return (doc, details) => walkDoc(doc, 0, walk, details)
    }
  }
}

/** The condition on one value, whose elements are not entered: inside `$elemMatch`. */
export function onValue(condition: Condition): Test {
  switch (condition.kind) {
    case 'all': {
      const tests = condition.conditions.map(onValue)
      return (value) => tests.every((part) => part(value))
    }
    case 'not': {
      const inner = onValue(condition.condition)
      return (value) => !inner(value)
    }
    case 'test':
      return condition.test
  }
}

interface Walk {
  readonly parts: readonly string[]
  readonly indexes: readonly number[]
  readonly test: Test
  readonly entersArrays: boolean
}

function judge(value: Value | undefined, run: Test, entersArrays: boolean, details?: MatchDetails): boolean {
  if (entersArrays && Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      if (run(value[index])) {
        if (details) details.index = index
        return true
      }
    }
  }
  return run(value, details)
}

function walkDoc(doc: Doc, at: number, walk: Walk, details?: MatchDetails): boolean {
  return walkValue(doc.get(walk.parts[at]!), at + 1, walk, details)
}

function walkValue(value: Value | undefined, at: number, walk: Walk, details?: MatchDetails): boolean {
  if (at === walk.parts.length) return judge(value, walk.test, walk.entersArrays, details)
  if (isDoc(value)) return walkDoc(value, at, walk, details)
  if (!Array.isArray(value)) return walk.test(undefined)
  for (let index = 0; index < value.length; index++) {
    const item = value[index]
    if (isDoc(item) && walkDoc(item, at, walk)) {
      if (details) details.index = index
      return true
    }
  }
  const index = walk.indexes[at]!
  if (index < 0 || index >= value.length) return false
  const item = value[index]
  if (at + 1 < walk.parts.length && !isDoc(item) && !Array.isArray(item)) return false
  // An element that the path names by its index is judged as it is: if it is an array, that one is not entered.
  if (at + 1 === walk.parts.length ? !walk.test(item) : !walkValue(item, at + 1, walk)) return false
  if (details) details.index = index
  return true
}
