import type { Document } from 'bson'
import type { FindAndModifyOptions } from '../data/data-access.ts'
import { assertChange, type Change, changeMatched, upsert } from './change.ts'
import { isFreeAndVisible } from './free-write.ts'
import { restore, selectMatched } from './matched.ts'
import { assertUserExpressions, assertUserFilter, assertUserOptions } from './restrictions.ts'
import { inTransaction } from './transaction.ts'
import type { UserCollection } from './user-collection.ts'
import { showWritten } from './user-reads.ts'
import { assertPermitted } from './write-check.ts'

/** Changes the first match in the order of `sort` and returns what the caller may read of it, before or after. */
export async function findAndChange(
  collection: UserCollection,
  filter: Document,
  change: Change,
  { projection, sort, returnNewDocument, ...options }: FindAndModifyOptions,
): Promise<Document | null> {
  assertUserFilter(filter)
  assertUserOptions(options)
  assertUserFilter(options.arrayFilters)
  assertUserExpressions(change.content)
  assertChange(change)
  assertUserExpressions(projection)
  if (await isFreeAndVisible(collection, filter, options.upsert ? ['update', 'insert'] : ['update'])) {
    return sendFindAndChange(collection, filter, change, { ...options, ...found(projection, sort, returnNewDocument) })
  }
  return inTransaction(collection.system, collection.ns.service, options.session, async (transaction) => {
    const { session } = transaction
    const matched = await selectMatched(collection, filter, sort ? { sort } : {}, false, session)
    const [before] = matched.documents
    if (!before) {
      const { upsertedId } = await upsert(collection, filter, change, options, matched, transaction)
      if (upsertedId === undefined || !returnNewDocument) return null
      const inserted = await collection.system.findOne(collection.ns, { _id: upsertedId }, { session })
      return inserted && showWritten(collection, inserted, projection)
    }
    await changeMatched(collection, filter, matched, change, options, false, transaction)
    const shown = returnNewDocument
      ? await collection.system.findOne(collection.ns, { _id: before.stored._id }, { session })
      : before.stored
    return shown && showWritten(collection, shown, projection)
  })
}

/** Deletes the first match in the order of `sort` and returns what the caller may read of it. */
export async function findAndDelete(
  collection: UserCollection,
  filter: Document,
  { projection, sort, ...options }: FindAndModifyOptions,
): Promise<Document | null> {
  assertUserFilter(filter)
  assertUserOptions(options)
  assertUserExpressions(projection)
  if (await isFreeAndVisible(collection, filter, ['delete'])) {
    const joined = collection.filter(filter)
    return collection.system.findOneAndDelete(collection.ns, joined, { ...options, ...found(projection, sort) })
  }
  return inTransaction(collection.system, collection.ns.service, options.session, async ({ session, undo }) => {
    const matched = await selectMatched(collection, filter, sort ? { sort } : {}, false, session)
    const [found] = matched.documents
    if (!found) return null
    await assertPermitted(collection, { kind: 'delete', before: found.stored })
    undo(() => restore(collection, matched, session))
    await collection.system.deleteOne(collection.ns, { _id: found.stored._id }, { session })
    return showWritten(collection, found.stored, projection)
  })
}

/** The options that say what to return, without those that are absent. */
function found(projection?: Document, sort?: Document, returnNewDocument?: boolean): FindAndModifyOptions {
  return {
    ...(projection ? { projection } : {}),
    ...(sort ? { sort } : {}),
    ...(returnNewDocument ? { returnNewDocument } : {}),
  }
}

function sendFindAndChange(
  collection: UserCollection,
  filter: Document,
  { kind, content }: Change,
  options: FindAndModifyOptions,
): Promise<Document | null> {
  const { system, ns } = collection
  const joined = collection.filter(filter)
  return kind === 'replace' && !Array.isArray(content)
    ? system.findOneAndReplace(ns, joined, content, options)
    : system.findOneAndUpdate(ns, joined, content, options)
}
