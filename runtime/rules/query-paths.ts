import type { Document } from 'bson'
import { entriesOf } from '../ejson/index.ts'

/** The top-level paths a filter tests; what an operator tests below a path counts as the path. `_id` is left out. */
export function filterPaths(filter: Document): string[] {
  const paths = new Set<string>()
  collect(filter, paths)
  paths.delete('_id')
  return [...paths]
}

function collect(filter: unknown, paths: Set<string>): void {
  if (Array.isArray(filter)) {
    for (const part of filter) collect(part, paths)
    return
  }
  if (typeof filter !== 'object' || filter === null) return
  for (const [key, value] of entriesOf(filter)) {
    if (!key.startsWith('$')) paths.add(key)
    else if (key !== '$comment') collect(value, paths)
  }
}

/** The paths a sort orders by, `_id` left out. */
export function sortPaths(sort: Document | undefined): string[] {
  return sort === undefined ? [] : entriesOf(sort).flatMap(([path]) => (path === '_id' ? [] : [path]))
}

/** The paths a change names, positional steps and `_id` left out; none for a pipeline, which may name any. */
export function touchedPaths(change: Document | readonly Document[]): string[] {
  if (Array.isArray(change)) return []
  const paths = new Set<string>()
  for (const [key, value] of entriesOf(change)) {
    if (!key.startsWith('$')) paths.add(key)
    else if (typeof value === 'object' && value !== null) {
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

function withoutPositions(path: string): string {
  return path
    .split('.')
    .filter((step) => !step.startsWith('$'))
    .join('.')
}
