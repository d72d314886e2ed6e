import type { Document } from 'bson'
import { bsonKind, isDocument } from '../data/bson-kind.ts'
import { entriesOf } from '../ejson/index.ts'

/**
 * The top-level paths a filter tests; what an operator tests below a path counts as the path. An `_id` that is named is
 * left out, one that is searched for by order, type or pattern is not.
 */
export function filterPaths(filter: Document): string[] {
  const paths = new Set<string>()
  collect(filter, paths)
  return [...paths]
}

function collect(filter: unknown, paths: Set<string>): void {
  if (Array.isArray(filter)) {
    for (const part of filter) collect(part, paths)
    return
  }
  if (typeof filter !== 'object' || filter === null) return
  for (const [key, value] of entriesOf(filter)) {
    if (key.startsWith('$')) {
      if (key !== '$comment') collect(value, paths)
    } else if (key !== '_id' || !isNamed(value)) paths.add(key)
  }
}

const namingOperators = new Set(['$eq', '$ne', '$in', '$nin'])

/** True for a condition that only a caller who knows the value can write. */
function isNamed(condition: unknown): boolean {
  if (hasPattern(condition)) return false
  if (!isDocument(condition)) return true
  const operators = entriesOf(condition).filter(([key]) => key.startsWith('$'))
  return operators.every(([key, operand]) => namingOperators.has(key) && !hasPattern(operand))
}

function hasPattern(value: unknown): boolean {
  return Array.isArray(value) ? value.some(hasPattern) : bsonKind(value) === 'regex'
}

/** The paths a sort orders by, `_id` left out. */
export function sortPaths(sort: Document | undefined): string[] {
  return sort === undefined ? [] : entriesOf(sort).flatMap(([path]) => (path === '_id' ? [] : [path]))
}

/** The paths whose values a change moves elsewhere. */
export function movedPaths(change: Document | readonly Document[]): string[] {
  if (Array.isArray(change)) return []
  return entriesOf(change).flatMap(([key, value]) =>
    key === '$rename' && typeof value === 'object' && value !== null ? entriesOf(value).map(([path]) => path) : [],
  )
}

/** A path of arrays that a change alters according to what their elements hold, and the path that it looks at for that. */
export interface ComparedPath {
  readonly target: string
  readonly path: string
}

/** What decides which elements operators of arrays take away, add, or move. */
export function comparedPaths(change: Document | readonly Document[]): ComparedPath[] {
  if (Array.isArray(change)) return []
  return entriesOf(change).flatMap(([operator, fields]) =>
    typeof fields === 'object' && fields !== null
      ? entriesOf(fields).flatMap(([field, operand]) => {
          const target = withoutPositions(field)
          return comparedBelow(operator, operand).map((inner) => ({ target, path: [target, ...inner].join('.') }))
        })
      : [],
  )
}

/** The paths below an array's elements that an operator compares; an empty one is the whole element. */
function comparedBelow(operator: string, operand: unknown): string[][] {
  switch (operator) {
    case '$pull':
      return isDocument(operand) ? elementPaths(operand) : [[]]
    case '$pullAll':
    case '$addToSet':
      return [[]]
    case '$push': {
      const order: unknown = isDocument(operand) ? operand.$sort : undefined
      if (order === undefined) return []
      return isDocument(order) ? entriesOf(order).map(([path]) => path.split('.')) : [[]]
    }
    default:
      return []
  }
}

/** The paths below an element that a condition on it tests. */
function elementPaths(condition: Document): string[][] {
  return entriesOf(condition).flatMap(([key, value]) => {
    if (!key.startsWith('$')) return [key.split('.')]
    const isLogical = /^\$(and|or|nor)$/.test(key) && Array.isArray(value)
    return isLogical ? value.flatMap((part) => (isDocument(part) ? elementPaths(part) : [[]])) : [[]]
  })
}

/** The paths a change names, positional steps and `_id` left out; none for a pipeline, which may name any. */
export function touchedPaths(change: Document | readonly Document[]): string[] {
  if (Array.isArray(change)) return []
  const paths = new Set<string>()
  for (const [key, value] of entriesOf(change)) {
    if (!key.startsWith('$')) paths.add(key)
    // On a document that is there already, `$setOnInsert` does nothing, whatever the document holds.
    else if (key !== '$setOnInsert' && typeof value === 'object' && value !== null) {
      for (const [path, operand] of entriesOf(value)) {
        paths.add(withoutPositions(path))
        if (key === '$rename' && typeof operand === 'string') paths.add(operand)
      }
    }
  }
  paths.delete('_id')
  return [...paths]
}

/** The paths that array filters test, each below the array of the change that it selects elements of. */
export function arrayFilterPaths(
  change: Document | readonly Document[],
  arrayFilters: readonly Document[] | undefined,
): string[] {
  if (Array.isArray(change) || !arrayFilters) return []
  const changed = entriesOf(change).flatMap(([, value]) =>
    typeof value === 'object' && value !== null ? entriesOf(value).map(([path]) => path) : [],
  )
  return arrayFilters.flatMap(filterPaths).flatMap((tested) => {
    const [identifier = '', ...rest] = tested.split('.')
    return changed.flatMap((path) => {
      const [before, selected] = path.split(`.$[${identifier}]`)
      return selected === undefined || before === undefined ? [] : [[withoutPositions(before), ...rest].join('.')]
    })
  })
}

/** A path without the steps that choose elements of arrays by operators. */
function withoutPositions(path: string): string {
  return path
    .split('.')
    .filter((step) => !step.startsWith('$'))
    .join('.')
}
