import { type Document, EJSON } from 'bson'
import type { ResumeToken } from 'mongodb'
import type { Caller } from '../caller.ts'
import type { DataAccess, Namespace } from '../data/data-access.ts'
import { collectionOf } from '../data/data-source.ts'
import { toDatabaseError } from '../data/database-error.ts'
import { createSystemData } from '../data/system-data.ts'
import { planRead, type ReadPlan } from '../rules/read-plan.ts'
import { assertUserFilter } from '../rules/restrictions.ts'
import { UserCollection } from '../rules/user-collection.ts'
import type { Runtime } from '../runtime.ts'
import { sleep } from '../triggers/sleep.ts'
import { assertInScope } from '../users/key-scope.ts'
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

const maxAwaitTimeMS = 1_000
const firstPauseMs = 250
const maxPauseMs = 5_000
/** Ids of documents that were shown, kept so that their deletion can be told. */
const maxShown = 10_000

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
  let token: ResumeToken | undefined
  const open = () => {
    const opened = collectionOf(runtime, ns).watch(pipeline, {
      fullDocument: 'updateLookup',
      maxAwaitTimeMS,
      promoteLongs: false,
      ...(token !== undefined && { resumeAfter: token }),
    })
    opened.on('resumeTokenChanged', (changed) => {
      token = changed
    })
    return opened
  }
  let stream = open()
  // Waiting for the server's first answer makes sure that what changes from here on is seen, and that a refusal can
  // still be answered as one.
  let pending: Promise<Document> | undefined = stream.next()
  const opened = new Promise<void>((resolve) => stream.once('resumeTokenChanged', () => resolve()))
  try {
    await Promise.race([pending, opened])
  } catch (error) {
    await stream.close().catch(() => {})
    throw toDatabaseError(error)
  }
  pending.catch(() => {})
  const sight = new Sight(runtime.dataAccess(caller), ns, plan, conditions.document, request.ids ?? [])
  const closing = new AbortController()
  /** The driver resumes once and not for long; a stream that it gave up is opened again where it was. */
  let isGivenUp = false
  const read = async () => {
    if (isGivenUp) {
      await stream.close().catch(() => {})
      stream = open()
    }
    const next = pending ?? stream.next()
    pending = undefined
    isGivenUp = true
    const event = await next
    isGivenUp = false
    return event
  }
  return {
    async next() {
      try {
        for (;;) {
          const event = await outlast(read, closing.signal)
          const visible = await outlast(() => sight.of(event), closing.signal)
          if (visible !== undefined) return visible
        }
      } catch (error) {
        if (stream.closed) return undefined
        throw toDatabaseError(error)
      }
    },
    async close() {
      closing.abort()
      await stream.close()
    },
  }
}

/** Calls again, with growing pauses, for as long as the database does not answer. */
async function outlast<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
    try {
      return await call()
    } catch (error) {
      if (signal.aborted || toDatabaseError(error).status !== 503) throw error
      await sleep(pauseMs, signal)
      if (signal.aborted) throw error
    }
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

  constructor(data: DataAccess, ns: Namespace, plan: ReadPlan | 'system', filter: Document, ids: readonly unknown[]) {
    this.data = data
    this.ns = ns
    this.plan = plan
    this.filter = filter
    for (const id of ids) this.shown.add(keyOf(id))
  }

  async of(event: Document): Promise<Document | undefined> {
    if (this.plan === 'system' || this.plan === 'all' || event.documentKey === undefined) return event
    const id: unknown = event.documentKey._id
    if (event.operationType === 'delete') return this.shown.has(keyOf(id)) ? event : undefined
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
  const isReadable = (path: string) => Object.hasOwn(document, path.split('.')[0] ?? path)
  const { updateDescription: description, fullDocument: _, fullDocumentBeforeChange: __, ...rest } = event
  if (description === undefined) return { ...rest, fullDocument: document }
  const updated = Object.entries(description.updatedFields ?? {}).filter(([path]) => isReadable(path))
  return {
    ...rest,
    fullDocument: document,
    // A removed field is not in the document any more, so that nothing tells whether it was readable.
    updateDescription: { updatedFields: Object.fromEntries(updated), removedFields: [] },
  }
}
