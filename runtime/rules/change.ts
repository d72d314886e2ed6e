import type { Document } from 'bson'
import { MongoInvalidArgumentError } from 'mongodb'
import type { UpdateOutcome, WriteOptions } from '../data/data-access.ts'
import { codeOf } from '../data/database-error.ts'
import { entriesOf } from '../ejson/index.ts'
import { AppError } from '../errors.ts'
import { byIds, idKey, type Matched, readByIds, restore } from './matched.ts'
import { isDefined } from './permission.ts'
import { joinFilters, matchNothing } from './prepared-query.ts'
import { arrayFilterPaths, comparedPaths, movedPaths, touchedPaths } from './query-paths.ts'
import { arePathsReadable } from './read-document.ts'
import { writeRefusal } from './rule-refusal.ts'
import { isTransient, type WriteTransaction } from './transaction.ts'
import type { UserCollection } from './user-collection.ts'
import { assertPermitted, assertRole } from './write-check.ts'

/** How a change is sent to the driver, for the one document of a filter or for all. */
export interface Change {
  readonly kind: 'update' | 'replace'
  readonly content: Document | Document[]
}

/**
 * Refuses what is no change at all, in the driver's words: where nothing matches, nothing would be sent to it.
 *
 * @throws {AppError} `MongoDBError`
 */
export function assertChange({ kind, content }: Change): void {
  if (Array.isArray(content)) return
  const hasOperators = entriesOf(content)[0]?.[0].startsWith('$') === true
  if (hasOperators === (kind === 'update')) return
  const text =
    kind === 'update'
      ? 'Update document requires atomic operators'
      : 'Replacement document must not contain atomic operators'
  throw new AppError('MongoDBError', text, { status: 400 })
}

/** Changes matched documents and checks each before and after; throws on the first refusal. */
export async function changeMatched(
  collection: UserCollection,
  filter: Document,
  matched: Matched,
  change: Change,
  options: WriteOptions,
  many: boolean,
  { session, undo }: WriteTransaction,
): Promise<UpdateOutcome> {
  // A pipeline may copy any field into any other, so it is for callers who may read all of the document.
  if (Array.isArray(change.content) && matched.documents.some(({ whole }) => !whole)) {
    throw writeRefusal(change.kind, matched.documents[0]?.stored._id)
  }
  const tested = arrayFilterPaths(change.content, options.arrayFilters)
  // What is hidden must not show in what is seen of an array.
  const compared = comparedPaths(change.content).filter(({ target }) => collection.isPartlyProjected(target))
  const looked = [...tested, ...movedPaths(change.content), ...compared.map(({ path }) => path)]
  if (matched.documents.length > 0 && !looked.every((path) => collection.isProjected(path))) {
    throw writeRefusal(change.kind, matched.documents[0]?.stored._id)
  }
  for (const { stored, whole } of matched.documents) {
    const role = await assertRole(collection, stored, change.kind)
    if (!whole && !isDefined(role.write) && !(await arePathsReadable(role, stored, tested, collection.scope))) {
      throw writeRefusal(change.kind, stored._id)
    }
  }
  // The filter stays in place for positional operators.
  const exact = joinFilters(filter, [byIds(matched)])
  undo(() => restore(collection, matched, session))
  const { upsert: _never, ...rest } = options
  const outcome = await sendUnseen(collection, exact, change, { ...rest, session }, many, matched)
  const touched = touchedPaths(change.content)
  const stored = await readByIds(collection, matched, session)
  for (const { stored: before, wholeByRole } of matched.documents) {
    const after = stored.get(idKey(before._id))
    if (!after) throw writeRefusal(change.kind, before._id)
    // What a projection of the rules leaves out is no less hidden for a role that reads the whole document.
    const guessed = wholeByRole ? touched.filter((path) => !collection.isProjected(path)) : touched
    await assertPermitted(collection, { kind: change.kind, before, after, touched: guessed, wholeByRole })
  }
  return outcome
}

/** Inserts what an upsert without a match makes, and checks it as an insert. */
export async function upsert(
  collection: UserCollection,
  filter: Document,
  change: Change,
  options: WriteOptions,
  { skipped }: Matched,
  { session, undo }: WriteTransaction,
): Promise<UpdateOutcome> {
  if (!options.upsert) return { matchedCount: 0, modifiedCount: 0 }
  // The server would match and change the very documents that were passed over, and a refusal would tell of them.
  const unmatched = skipped > 0 ? joinFilters(filter, [matchNothing]) : filter
  const outcome = await send(collection, collection.filter(unmatched), change, { ...options, session }, false)
  const { upsertedId } = outcome
  if (upsertedId === undefined) throw writeRefusal(change.kind, undefined)
  undo(() => collection.system.deleteOne(collection.ns, { _id: upsertedId }, { session }))
  const after = await collection.system.findOne(collection.ns, { _id: upsertedId }, { session })
  if (!after) throw writeRefusal('insert', upsertedId)
  const generatedId = !namesId(filter) && !namesId(change.content)
  await assertPermitted(collection, { kind: 'insert', after, generatedId })
  return outcome
}

/** Hands a change to the driver. */
export function send(
  { system, ns }: UserCollection,
  filter: Document,
  { kind, content }: Change,
  options: WriteOptions,
  many: boolean,
): Promise<UpdateOutcome> {
  if (many) return system.updateMany(ns, filter, content, options)
  return kind === 'replace' && !Array.isArray(content)
    ? system.replaceOne(ns, filter, content, options)
    : system.updateOne(ns, filter, content, options)
}

/** `send` whose failure tells nothing of documents that the caller may not read in full: the server's text quotes them. */
async function sendUnseen(
  collection: UserCollection,
  filter: Document,
  change: Change,
  options: WriteOptions,
  many: boolean,
  { documents }: Matched,
): Promise<UpdateOutcome> {
  try {
    return await send(collection, filter, change, options, many)
  } catch (error) {
    if (documents.every(({ whole }) => whole) || isTransient(error) || isOfRequest(error)) throw error
    throw writeRefusal(change.kind, documents[0]?.stored._id)
  }
}

/** FailedToParse and ConflictingUpdateOperators: what no document has a part in. */
const requestCodes = new Set([9, 40])

/** True for an error of the change itself, which is the same whatever is stored. */
function isOfRequest(error: unknown): boolean {
  const cause = error instanceof AppError ? error.cause : error
  return cause instanceof MongoInvalidArgumentError || requestCodes.has(codeOf(cause) ?? 0)
}

/** True when a filter or a change names an `_id` anywhere, so that an inserted one is not generated. */
function namesId(part: unknown): boolean {
  if (Array.isArray(part)) return part.some(namesId)
  if (typeof part !== 'object' || part === null) return false
  return entriesOf(part).some(([key, value]) => key === '_id' || namesId(value))
}
