import type { Document } from 'bson'
import type { UpdateOutcome, WriteOptions } from '../data/data-access.ts'
import { hasOwnId, withId } from '../data/new-document.ts'
import { assertChange, type Change, changeMatched, send, upsert } from './change.ts'
import { isFree } from './free-write.ts'
import { byIds, restore, selectMatched } from './matched.ts'
import { assertUserExpressions, assertUserFilter, assertUserOptions } from './restrictions.ts'
import { inTransaction } from './transaction.ts'
import type { UserCollection } from './user-collection.ts'
import { asStored, assertPermitted } from './write-check.ts'

/** Inserts documents that the rules permit; one refusal and none is inserted. */
export async function insertChecked(
  collection: UserCollection,
  documents: readonly Document[],
  options: WriteOptions & { ordered?: boolean },
): Promise<{ insertedIds: unknown[] }> {
  assertUserOptions(options)
  const complete = documents.map((document) => ({ ...withId(document), generatedId: !hasOwnId(document) }))
  for (const { document, generatedId } of complete) {
    await assertPermitted(collection, { kind: 'insert', after: asStored(document), generatedId })
  }
  return collection.system.insertMany(
    collection.ns,
    complete.map(({ document }) => document),
    options,
  )
}

/** Updates or replaces the first match, or every match; one refusal and nothing is changed. */
export async function changeChecked(
  collection: UserCollection,
  filter: Document,
  change: Change,
  options: WriteOptions,
  many: boolean,
): Promise<UpdateOutcome> {
  assertUserFilter(filter)
  assertUserOptions(options)
  assertUserFilter(options.arrayFilters)
  assertUserExpressions(change.content)
  assertChange(change)
  if (await isFree(collection, filter, options.upsert ? ['update', 'insert'] : ['update'])) {
    return send(collection, collection.filter(filter), change, options, many)
  }
  return inTransaction(collection.system, collection.ns.service, options.session, async (transaction) => {
    const matched = await selectMatched(collection, filter, {}, many, transaction.session)
    if (matched.documents.length === 0) return upsert(collection, filter, change, options, matched, transaction)
    return changeMatched(collection, filter, matched, change, options, many, transaction)
  })
}

/** Deletes the first match, or every match; one refusal and nothing is deleted. */
export async function deleteChecked(
  collection: UserCollection,
  filter: Document,
  options: WriteOptions,
  many: boolean,
): Promise<{ deletedCount: number }> {
  assertUserFilter(filter)
  assertUserOptions(options)
  if (await isFree(collection, filter, ['delete'])) {
    const joined = collection.filter(filter)
    return many
      ? collection.system.deleteMany(collection.ns, joined, options)
      : collection.system.deleteOne(collection.ns, joined, options)
  }
  return inTransaction(collection.system, collection.ns.service, options.session, async ({ session, undo }) => {
    const matched = await selectMatched(collection, filter, {}, many, session)
    for (const { stored } of matched.documents) await assertPermitted(collection, { kind: 'delete', before: stored })
    if (matched.documents.length === 0) return { deletedCount: 0 }
    undo(() => restore(collection, matched, session))
    return collection.system.deleteMany(collection.ns, byIds(matched), { session })
  })
}
