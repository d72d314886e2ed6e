import type { Document } from 'bson'
import type { ClientSession } from 'mongodb'
import { maxDocumentsPerQuery } from '../data/limits.ts'
import { stringifyEjson } from '../ejson/index.ts'
import { AppError } from '../errors.ts'
import { filterPaths, sortPaths } from './query-paths.ts'
import { sortViews } from './sort-documents.ts'
import type { Candidate, UserCollection } from './user-collection.ts'

export type MatchedDocument = Omit<Candidate, 'matchable'>

/** The documents of a write. */
export interface Matched {
  readonly documents: readonly MatchedDocument[]
  /** Documents that matched, but through fields the caller may not read. */
  readonly skipped: number
}

/** Selects what a write would touch: the first match, or every one. */
export async function selectMatched(
  collection: UserCollection,
  filter: Document,
  { sort }: { sort?: Document },
  many: boolean,
  session: ClientSession,
): Promise<Matched> {
  const hidden = collection.mayChooseUnseen([...filterPaths(filter), ...sortPaths(sort)])
  const options = { session, ...(sort && !hidden ? { sort } : {}), ...(many || hidden ? {} : { limit: 1 }) }
  const documents: MatchedDocument[] = []
  let skipped = 0
  for await (const { matchable, ...found } of collection.candidates(filter, options)) {
    if (!matchable) skipped++
    else if (documents.push(found) > maxDocumentsPerQuery) throw tooManyDocuments()
    if (documents.length > 0 && !many && !(hidden && sort)) break
  }
  return { documents: hidden && sort && !many ? await firstInOrder(collection, documents, sort) : documents, skipped }
}

/** Orders by what the caller may see: the order of hidden values must not choose the document. */
async function firstInOrder(
  collection: UserCollection,
  documents: readonly MatchedDocument[],
  sort: Document,
): Promise<MatchedDocument[]> {
  const viewed = []
  for (const found of documents) viewed.push({ found, view: (await collection.view(found.stored))?.view ?? {} })
  return sortViews(viewed, sort, ({ view }) => view)
    .slice(0, 1)
    .map(({ found }) => found)
}

/** Puts documents back as they were, inside the transaction that changed or deleted them. */
export async function restore(
  { system, ns }: UserCollection,
  { documents }: Matched,
  session: ClientSession,
): Promise<void> {
  for (const { stored } of documents)
    await system.replaceOne(ns, { _id: stored._id }, stored, { session, upsert: true })
}

/** The filter of exactly these documents. */
export function byIds({ documents }: Matched): Document {
  const [first, ...others] = documents
  return first && others.length === 0
    ? { _id: first.stored._id }
    : { _id: { $in: documents.map(({ stored }) => stored._id) } }
}

/** The documents as they are stored at this moment, by `idKey`. */
export async function readByIds(
  { system, ns }: UserCollection,
  matched: Matched,
  session: ClientSession,
): Promise<Map<string, Document>> {
  const found = new Map<string, Document>()
  for await (const document of system.find(ns, byIds(matched), { session })) found.set(idKey(document._id), document)
  return found
}

/** A key for an `_id` of any type. */
export function idKey(id: unknown): string {
  return stringifyEjson(id, 'EJSON')
}

function tooManyDocuments(): AppError {
  return new AppError('ReadSizeLimitExceeded', `a write under rules may touch ${maxDocumentsPerQuery} documents`, {
    status: 400,
  })
}
