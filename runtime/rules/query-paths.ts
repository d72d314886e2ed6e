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
