import { type Document, serialize } from 'bson'
import type { ClientSession } from 'mongodb'
import type { Role } from '../../schemas/app/definition.ts'
import { decodeDocument } from '../data/bson-types.ts'
import type { FindAndModifyOptions, UpdateOutcome, WriteOptions } from '../data/data-access.ts'
import { maxDocumentsPerQuery } from '../data/limits.ts'
import { hasOwnId, withId } from '../data/new-document.ts'
import { entriesOf, stringifyEjson } from '../ejson/index.ts'
import { AppError } from '../errors.ts'
import { isDefined } from './permission.ts'
import { joinFilters } from './prepared-query.ts'
import { arrayFilterPaths, filterPaths, sortPaths, touchedPaths } from './query-paths.ts'
import { arePathsReadable } from './read-document.ts'
import { isWriteFree, planRead } from './read-plan.ts'
import { assertUserExpressions, assertUserFilter, assertUserOptions } from './restrictions.ts'
import { schemaRefusal, writeRefusal } from './rule-refusal.ts'
import { validateDocument } from './schema.ts'
import { selectRole } from './select-role.ts'
import { sortViews } from './sort-documents.ts'
import { inTransaction, isTransient, type WriteTransaction } from './transaction.ts'
import type { UserCollection } from './user-collection.ts'
import { showWritten } from './user-reads.ts'
import { type DocumentWrite, isWritePermitted } from './write-document.ts'

/** How a change is sent to the driver, for the one document of a filter or for all. */
export interface Change {
  readonly kind: 'update' | 'replace'
  readonly content: Document | Document[]
}

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
  { system, ns, ...collection }: UserCollection,
  filter: Document,
  { kind, content }: Change,
  options: FindAndModifyOptions,
): Promise<Document | null> {
  const joined = joinFilters(filter, collection.active.queries)
  return kind === 'replace' && !Array.isArray(content)
    ? system.findOneAndReplace(ns, joined, content, options)
    : system.findOneAndUpdate(ns, joined, content, options)
}

interface Matched {
  readonly documents: readonly { stored: Document; whole: boolean }[]
  /** Documents that matched, but through fields the caller may not read. */
  readonly skipped: number
}

/** True when no document and no schema has to be looked at: the rules permit every such write. */
async function isFree(
  collection: UserCollection,
  filter: Document,
  kinds: readonly ('insert' | 'update' | 'delete')[],
): Promise<boolean> {
  const validates = collection.rules.schema !== undefined && !kinds.includes('delete')
  if (validates || collection.mayHide(filterPaths(filter))) return false
  for (const kind of kinds) {
    if (!(await isWriteFree(collection.rules.roles, kind, collection.scope))) return false
  }
  return true
}

/** `isFree`, and whatever is written may be read in full. */
async function isFreeAndVisible(
  collection: UserCollection,
  filter: Document,
  kinds: readonly ('insert' | 'update' | 'delete')[],
): Promise<boolean> {
  if (collection.projects || !(await isFree(collection, filter, kinds))) return false
  return (await planRead(collection.rules.roles, collection.scope)) === 'all'
}

async function selectMatched(
  collection: UserCollection,
  filter: Document,
  { sort }: { sort?: Document },
  many: boolean,
  session: ClientSession,
): Promise<Matched> {
  const hidden = collection.mayHide([...filterPaths(filter), ...sortPaths(sort)])
  const options = { session, ...(sort && !hidden ? { sort } : {}), ...(many || hidden ? {} : { limit: 1 }) }
  const documents: { stored: Document; whole: boolean }[] = []
  let skipped = 0
  for await (const { stored, matchable, whole } of collection.candidates(filter, options)) {
    if (!matchable) skipped++
    else if (documents.push({ stored, whole }) > maxDocumentsPerQuery) throw tooManyDocuments()
    if (documents.length > 0 && !many && !(hidden && sort)) break
  }
  return { documents: hidden && sort && !many ? await firstInOrder(collection, documents, sort) : documents, skipped }
}

/** Orders by what the caller may see: the order of hidden values must not choose the document. */
async function firstInOrder(
  collection: UserCollection,
  documents: readonly { stored: Document; whole: boolean }[],
  sort: Document,
): Promise<{ stored: Document; whole: boolean }[]> {
  const viewed = []
  for (const found of documents) viewed.push({ found, view: (await collection.view(found.stored))?.view ?? {} })
  return sortViews(viewed, sort, ({ view }) => view)
    .slice(0, 1)
    .map(({ found }) => found)
}

async function changeMatched(
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
  for (const { stored: before } of matched.documents) {
    const after = stored.get(idKey(before._id))
    if (!after) throw writeRefusal(change.kind, before._id)
    await assertPermitted(collection, { kind: change.kind, before, after, touched })
  }
  return outcome
}

async function upsert(
  collection: UserCollection,
  filter: Document,
  change: Change,
  options: WriteOptions,
  { skipped }: Matched,
  { session, undo }: WriteTransaction,
): Promise<UpdateOutcome> {
  if (!options.upsert) return { matchedCount: 0, modifiedCount: 0 }
  // The server would match and change the very documents that were passed over.
  if (skipped > 0) throw writeRefusal(change.kind, undefined)
  const outcome = await send(collection, collection.filter(filter), change, { ...options, session }, false)
  const { upsertedId } = outcome
  if (upsertedId === undefined) throw writeRefusal(change.kind, undefined)
  undo(() => collection.system.deleteOne(collection.ns, { _id: upsertedId }, { session }))
  const after = await collection.system.findOne(collection.ns, { _id: upsertedId }, { session })
  if (!after) throw writeRefusal('insert', upsertedId)
  const generatedId = !namesId(filter) && !namesId(change.content)
  await assertPermitted(collection, { kind: 'insert', after, generatedId })
  return outcome
}

function send(
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
    if (documents.every(({ whole }) => whole) || isTransient(error)) throw error
    throw writeRefusal(change.kind, documents[0]?.stored._id)
  }
}

/** Puts documents back as they were, inside the transaction that changed or deleted them. */
async function restore({ system, ns }: UserCollection, { documents }: Matched, session: ClientSession): Promise<void> {
  for (const { stored } of documents)
    await system.replaceOne(ns, { _id: stored._id }, stored, { session, upsert: true })
}

function byIds({ documents }: Matched): Document {
  const [first, ...others] = documents
  return first && others.length === 0
    ? { _id: first.stored._id }
    : { _id: { $in: documents.map(({ stored }) => stored._id) } }
}

async function readByIds(
  { system, ns }: UserCollection,
  matched: Matched,
  session: ClientSession,
): Promise<Map<string, Document>> {
  const found = new Map<string, Document>()
  for await (const document of system.find(ns, byIds(matched), { session })) found.set(idKey(document._id), document)
  return found
}

function idKey(id: unknown): string {
  return stringifyEjson(id, 'EJSON')
}

/** The document as it will be read back: JS values in their BSON types. */
function asStored(document: Document): Document {
  try {
    return decodeDocument(serialize(document))
  } catch (error) {
    throw new AppError('MongoDBError', 'the document cannot be stored as BSON', { status: 400, cause: error })
  }
}

/** True when a filter or a change names an `_id` anywhere, so that an inserted one is not generated. */
function namesId(part: unknown): boolean {
  if (Array.isArray(part)) return part.some(namesId)
  if (typeof part !== 'object' || part === null) return false
  return entriesOf(part).some(([key, value]) => key === '_id' || namesId(value))
}

async function assertRole(collection: UserCollection, stored: Document, kind: DocumentWrite['kind']): Promise<Role> {
  const role = await selectRole(collection.rules.roles, { ...collection.scope, root: stored, prevRoot: stored })
  if (!role) throw writeRefusal(kind, stored._id)
  return role
}

/** @throws {AppError} `FunctionExecutionError` or `SchemaValidationFailedWrite` */
async function assertPermitted(collection: UserCollection, write: DocumentWrite): Promise<void> {
  const { rules, scope } = collection
  const before = write.kind === 'insert' ? undefined : write.before
  const image = before ?? (write.kind === 'delete' ? undefined : write.after)
  const role = await selectRole(rules.roles, { ...scope, root: image, prevRoot: before })
  if (!role || !(await isWritePermitted(role, write, scope))) throw writeRefusal(write.kind, image?._id)
  if (write.kind === 'delete' || !rules.schema) return
  const problems = await validateDocument(rules.schema, write.after, before, scope)
  if (problems.length > 0) throw schemaRefusal(write.kind, write.after._id, problems)
}

function tooManyDocuments(): AppError {
  return new AppError('ReadSizeLimitExceeded', `a write under rules may touch ${maxDocumentsPerQuery} documents`, {
    status: 400,
  })
}
