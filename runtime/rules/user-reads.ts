import { calculateObjectSize, type Document } from 'bson'
import type { Expression } from '../../schemas/app/definition.ts'
import { compareBson } from '../data/bson-order.ts'
import { toDocument } from '../data/cursor.ts'
import type { ReadOptions, StoredDocument } from '../data/data-access.ts'
import { maxDocumentsPerQuery } from '../data/limits.ts'
import { entriesOf } from '../ejson/index.ts'
import { AppError } from '../errors.ts'
import { assertSameKind } from './prepared-query.ts'
import { isEmptyProjection, type Projection, project, readProjection } from './projection.ts'
import { filterPaths, sortPaths } from './query-paths.ts'
import { planRead } from './read-plan.ts'
import {
  assertUserExpressions,
  assertUserFilter,
  assertUserOptions,
  assertUserPipeline,
  searchStages,
} from './restrictions.ts'
import { sortViews, valuesAt } from './sort-documents.ts'
import type { UserCollection, Visible } from './user-collection.ts'

/** Bytes of readable documents that one aggregation can be given: a command holds 16 MB. */
const maxAggregatedBytes = 15_000_000

type Documents = AsyncGenerator<StoredDocument, void, undefined>

/** The documents a caller may read among those that match, projected last. */
export async function* findReadable(collection: UserCollection, filter: Document, options: ReadOptions): Documents {
  const { limit = 0 } = options
  const capped = { ...options, limit: Math.min(limit || maxDocumentsPerQuery, maxDocumentsPerQuery) }
  yield* findCapped(collection, filter, capped)
}

async function* findCapped(collection: UserCollection, filter: Document, options: ReadOptions): Documents {
  assertUserFilter(filter)
  assertUserOptions(options)
  assertUserExpressions(options.projection)
  const projection = options.projection ? readProjection(options.projection) : undefined
  assertSameKind(projection, collection.active.projections)
  const plan = await planRead(collection.rules.roles, collection.scope)
  if (plan === 'none') return
  if (plan === 'all' && !collection.projects) {
    yield* encoded(collection, filter, options)
    return
  }
  const visible = visibleDocuments(collection, filter, options)
  if (projection?.computed) yield* computeProjection(collection, visible, options)
  else for await (const match of visible) yield show(match, projection)
}

function tooMany(purpose: string): AppError {
  return new AppError('ReadSizeLimitExceeded', `too many readable documents to ${purpose} under rules`, { status: 400 })
}

async function* encoded(collection: UserCollection, filter: Document, options: ReadOptions): Documents {
  yield* collection.system.findEncoded(collection.ns, collection.filter(filter), options)
}

/** The document as it is handed out: the server's own bytes where nothing was taken away. */
function show({ source, view, whole }: Visible, projection: Projection | undefined): StoredDocument {
  if (projection && !isEmptyProjection(projection)) return project(view, projection)
  return whole ? source : view
}

/** The visible matches in order, paged. A hint is dropped: an index orders, and leaves out, by values that may be hidden. */
export async function* visibleDocuments(
  collection: UserCollection,
  filter: Document,
  { projection: _last, hint: _order, ...options }: ReadOptions,
): AsyncGenerator<Visible, void, undefined> {
  if (!collection.mayHide([...filterPaths(filter), ...sortPaths(options.sort)])) {
    yield* collection.matches(filter, options)
    return
  }
  // The server must neither order nor page by what the caller may not see: a short or reordered page would tell it.
  const { sort, limit, skip = 0, ...others } = options
  const all: Visible[] = []
  for await (const match of collection.matches(filter, others)) {
    if (all.push(match) > maxDocumentsPerQuery) throw tooMany('sort')
  }
  const sorted = sort ? sortViews(all, sort, ({ view }) => view) : all
  yield* sorted.slice(skip, limit ? skip + limit : undefined)
}

/** Lets the server compute a projection of what the caller may see. */
async function* computeProjection(
  collection: UserCollection,
  visible: AsyncGenerator<Visible, void, undefined>,
  { projection = {} }: ReadOptions,
): Documents {
  yield* aggregateViews(collection, visible, [{ $project: projection }])
}

/** A pipeline over the documents a caller may read, and only their readable parts. */
export async function* aggregateReadable(
  collection: UserCollection,
  pipeline: readonly Document[],
  options: ReadOptions,
): Documents {
  let yielded = 0
  for await (const document of aggregateUncapped(collection, pipeline, options)) {
    yield document
    if (++yielded === maxDocumentsPerQuery) return
  }
}

async function* aggregateUncapped(
  collection: UserCollection,
  pipeline: readonly Document[],
  options: ReadOptions,
): Documents {
  const [firstRole] = collection.rules.roles
  assertUserPipeline(pipeline, firstRole !== undefined && isAlways(firstRole.apply_when) && firstRole.read === true)
  assertUserOptions(options)
  const plan = await planRead(collection.rules.roles, collection.scope)
  if (plan === 'none') return
  const [first, ...rest] = pipeline
  const searches = first !== undefined && searchStages.has(stageName(first))
  if (plan === 'all' && !collection.projects) {
    const own = collection.active.queries.map((query) => ({ $match: query }))
    const joined = searches && first ? [first, ...own, ...rest] : [...own, ...pipeline]
    yield* collection.system.aggregateEncoded(collection.ns, joined, options)
    return
  }
  const matches = first !== undefined && stageName(first) === '$match'
  const source =
    searches && first
      ? searchViews(collection, first, options)
      : matchViews(collection, matches ? first : undefined, options)
  yield* aggregateViews(collection, source, matches || searches ? rest : pipeline, options)
}

/** True for the expressions that hold whoever asks. */
function isAlways(expression: Expression): boolean {
  return typeof expression === 'boolean' ? expression : Object.keys(expression).length === 0
}

function stageName(stage: Document): string {
  return entriesOf(stage)[0]?.[0] ?? ''
}

function matchViews(collection: UserCollection, match: Document | undefined, options: ReadOptions) {
  const filter: unknown = match && entriesOf(match)[0]?.[1]
  if (filter !== undefined && (typeof filter !== 'object' || filter === null)) {
    throw new AppError('MongoDBError', 'the match filter must be an expression in an object', { status: 400 })
  }
  return visibleDocuments(collection, filter ?? {}, options)
}

async function* searchViews(
  collection: UserCollection,
  search: Document,
  options: ReadOptions,
): AsyncGenerator<Visible, void, undefined> {
  const own = collection.active.queries.map((query) => ({ $match: query }))
  for await (const source of collection.system.aggregateEncoded(collection.ns, [search, ...own], options)) {
    const visible = await collection.view(source, { search: true })
    if (visible) yield visible
  }
}

async function* aggregateViews(
  collection: UserCollection,
  visible: AsyncGenerator<Visible, void, undefined>,
  pipeline: readonly Document[],
  { session, maxTimeMS }: ReadOptions = {},
): Documents {
  if (pipeline.length === 0) {
    for await (const match of visible) yield show(match, undefined)
    return
  }
  const documents: Document[] = []
  let bytes = 0
  for await (const { view } of visible) {
    // Literal: stored text that starts with `$` is no field path.
    documents.push({ $literal: view })
    bytes += calculateObjectSize(view)
    if (bytes > maxAggregatedBytes || documents.length > maxDocumentsPerQuery) {
      throw new AppError('ReadSizeLimitExceeded', 'too many readable documents to aggregate under rules', {
        status: 400,
      })
    }
  }
  if (documents.length === 0) return
  const { service, database } = collection.ns
  const options = { ...(session ? { session } : {}), ...(maxTimeMS === undefined ? {} : { maxTimeMS }) }
  yield* collection.system.aggregateDatabase(service, database, [{ $documents: documents }, ...pipeline], options)
}

/** How many of the matching documents are readable. */
export async function countReadable(
  collection: UserCollection,
  filter: Document,
  { sort: _any, projection: _none, ...options }: ReadOptions,
): Promise<number> {
  assertUserFilter(filter)
  assertUserOptions(options)
  const plan = await planRead(collection.rules.roles, collection.scope)
  if (plan === 'none') return 0
  if (plan === 'all' && !(collection.projects && options.hint) && !collection.mayHide(filterPaths(filter))) {
    return collection.system.count(collection.ns, collection.filter(filter), options)
  }
  const { limit, skip, ...others } = options
  let readable = 0
  for await (const _match of visibleDocuments(collection, filter, others)) readable++
  const left = Math.max(0, readable - (skip ?? 0))
  return limit ? Math.min(left, limit) : left
}

/** The distinct values of a field among what is readable of the matching documents. */
export async function distinctReadable(
  collection: UserCollection,
  field: string,
  filter: Document,
  options: ReadOptions,
): Promise<unknown[]> {
  assertUserFilter(filter)
  assertUserOptions(options)
  const plan = await planRead(collection.rules.roles, collection.scope)
  if (plan === 'none') return []
  if (
    plan === 'all' &&
    !(collection.projects && options.hint) &&
    !collection.mayHide([...filterPaths(filter), field])
  ) {
    return collection.system.distinct(collection.ns, field, collection.filter(filter), options)
  }
  const values: unknown[] = []
  const path = field.split('.')
  for await (const { view } of visibleDocuments(collection, filter, options)) values.push(...valuesAt(view, path))
  values.sort(compareBson)
  return values.filter((value, index) => index === 0 || compareBson(value, values[index - 1]) !== 0)
}

/** What a caller sees of a document it has written; null when that is nothing. */
export async function showWritten(
  collection: UserCollection,
  document: Document,
  projection: Document | undefined,
): Promise<Document | null> {
  const visible = await collection.view(document)
  if (!visible) return null
  if (!projection) return toDocument(show(visible, undefined))
  const read = readProjection(projection)
  if (!read.computed) return toDocument(show(visible, read))
  for await (const computed of aggregateViews(collection, single(visible), [{ $project: projection }])) {
    return toDocument(computed)
  }
  return null
}

async function* single(visible: Visible): AsyncGenerator<Visible, void, undefined> {
  yield visible
}
