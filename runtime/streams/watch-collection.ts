import { type Document, EJSON } from 'bson'
import type { Caller } from '../caller.ts'
import type { DataAccess, Namespace } from '../data/data-access.ts'
import { clientOf, collectionOf } from '../data/data-source.ts'
import { createSystemData } from '../data/system-data.ts'
import { lookupPath } from '../expression/path.ts'
import { planRead, type ReadPlan } from '../rules/read-plan.ts'
import { assertUserFilter } from '../rules/restrictions.ts'
import { UserCollection } from '../rules/user-collection.ts'
import type { Runtime } from '../runtime.ts'
import { assertInScope } from '../users/key-scope.ts'
import { outlast } from './outlast.ts'
import { subscribe } from './shared-stream.ts'
import { splitWatchFilter } from './watch-filter.ts'

export interface WatchRequest {
  /** Only documents with these `_id`s. */
  readonly ids?: readonly unknown[]
  /** A condition on change events. */
  readonly filter?: Document
}

/** An open change stream of one collection, as one caller may see it. */
export interface CollectionWatch {
  /** The next event; undefined after the stream has ended. @throws {AppError} when the database fails */
  next(): Promise<Document | undefined>
  close(): Promise<void>
}

/** Ids of documents that were shown, kept so that their deletion can be told. */
const maxShown = 10_000
const lookUpsAtOnce = 20

/**
 * Opens a stream of the changes of a collection. Each event passes the caller's rules when it is sent: a document that
 * the caller may not read then is not told of.
 *
 * @throws {AppError} `NoMatchingRuleFound`, `BadRequest`, `MongoDBError` where the server has no change streams
 */
export async function watchCollection(
  runtime: Runtime,
  caller: Caller,
  ns: Namespace,
  request: WatchRequest,
): Promise<CollectionWatch> {
  if (caller.user.keyScope !== undefined && !caller.runAsSystem) assertInScope(caller.user.keyScope, ns, 'read')
  const filter = request.filter ?? {}
  const plan = await planOf(runtime, caller, ns)
  if (plan !== 'system') assertUserFilter(filter)
  const conditions = plan === 'each' || plan === 'none' ? splitWatchFilter(filter) : { event: filter, document: {} }
  const pipeline: Document[] = []
  if (request.ids) pipeline.push({ $match: { 'documentKey._id': { $in: request.ids } } })
  if (Object.keys(conditions.event).length > 0) pipeline.push({ $match: conditions.event })
  const sight = new Sight(runtime.dataAccess(caller), ns, plan, conditions.document)
  await sight.lookUp(request.ids ?? [])
  const stream = await subscribe(clientOf(runtime, ns.service), collectionOf(runtime, ns), pipeline)
  const closing = new AbortController()
  return {
    async next() {
      for (let event = await stream.next(); event !== undefined; event = await stream.next()) {
        const visible = await outlast(() => sight.of(event), closing.signal)
        if (visible !== undefined) return visible
      }
      return undefined
    },
    async close() {
      closing.abort()
      await stream.close()
    },
  }
}

async function planOf(runtime: Runtime, caller: Caller, ns: Namespace): Promise<ReadPlan | 'system'> {
  if (caller.runAsSystem) return 'system'
  const collection = await UserCollection.open(runtime, caller, createSystemData(runtime), ns)
  const isFiltered = collection.active.queries.length > 0 || collection.active.projections.length > 0
  return isFiltered ? 'each' : planRead(collection.rules.roles, collection.scope)
}

/** What one caller sees of events. */
class Sight {
  private readonly data: DataAccess
  private readonly ns: Namespace
  private readonly plan: ReadPlan | 'system'
  private readonly filter: Document
  private readonly shown = new Set<string>()

  constructor(data: DataAccess, ns: Namespace, plan: ReadPlan | 'system', filter: Document) {
    this.data = data
    this.ns = ns
    this.plan = plan
    this.filter = filter
  }

  /** Remembers which of the documents that a caller asks for it may see: the deletion of others tells that they were. */
  async lookUp(ids: readonly unknown[]): Promise<void> {
    if (this.plan !== 'each') return
    for (let from = 0; from < Math.min(ids.length, maxShown); from += lookUpsAtOnce)
      await Promise.all(ids.slice(from, from + lookUpsAtOnce).map((id) => this.lookUpOne(id)))
  }

  private async lookUpOne(id: unknown): Promise<void> {
    if ((await this.data.findOne(this.ns, { _id: { $eq: id } })) !== null) this.remember(id)
  }

  async of(event: Document): Promise<Document | undefined> {
    if (this.plan === 'system' || this.plan === 'all' || event.documentKey === undefined) return event
    const id: unknown = event.documentKey._id
    if (event.operationType === 'delete')
      return this.shown.has(keyOf(id)) ? { ...event, documentKey: { _id: id } } : undefined
    const document = await this.data.findOne(this.ns, { $and: [{ _id: id }, this.filter] })
    if (document === null) return undefined
    this.remember(id)
    return redact(event, document)
  }

  private remember(id: unknown): void {
    this.shown.add(keyOf(id))
    if (this.shown.size <= maxShown) return
    const [oldest] = this.shown
    if (oldest !== undefined) this.shown.delete(oldest)
  }
}

function keyOf(id: unknown): string {
  return EJSON.stringify({ id }, { relaxed: true })
}

/** The event with nothing of the document but what the caller may read. */
function redact(event: Document, document: Document): Document {
  const { updateDescription: description, fullDocument: _, fullDocumentBeforeChange: __, ...rest } = event
  // On a sharded collection, the key holds other fields too.
  const told = { ...rest, documentKey: { _id: event.documentKey._id }, fullDocument: document }
  if (description === undefined) return told
  // The values of the document as it is shown: what was written may hold parts, or a past, that are not.
  const updated = Object.keys(description.updatedFields ?? {})
    .map((path) => [path, lookupPath(document, path.split('.'))] as const)
    .filter(([, value]) => value !== undefined)
  return {
    ...told,
    // A removed field is not in the document any more, so that nothing tells whether it was readable.
    updateDescription: { updatedFields: Object.fromEntries(updated), removedFields: [] },
  }
}
