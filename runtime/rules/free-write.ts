import type { Document } from 'bson'
import { filterPaths } from './query-paths.ts'
import { isWriteFree, planRead } from './read-plan.ts'
import type { UserCollection } from './user-collection.ts'

/** True when no document and no schema has to be looked at: the rules permit every such write. */
export async function isFree(
  collection: UserCollection,
  filter: Document,
  kinds: readonly ('insert' | 'update' | 'delete')[],
): Promise<boolean> {
  // A failed change quotes what projections of the rules leave out, and a change may move it to where it is seen.
  if (collection.projects && kinds.includes('update')) return false
  const validates = collection.rules.schema !== undefined && !kinds.includes('delete')
  if (validates || collection.mayHide(filterPaths(filter))) return false
  for (const kind of kinds) {
    if (!(await isWriteFree(collection.rules.roles, kind, collection.scope))) return false
  }
  return true
}

/** `isFree`, and whatever is written may be read in full. */
export async function isFreeAndVisible(
  collection: UserCollection,
  filter: Document,
  kinds: readonly ('insert' | 'update' | 'delete')[],
): Promise<boolean> {
  if (collection.projects || !(await isFree(collection, filter, kinds))) return false
  return (await planRead(collection.rules.roles, collection.scope)) === 'all'
}
