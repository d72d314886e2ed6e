import type { Document } from 'bson'
import { type Instant, startOfDay } from '../../domain/instant.ts'
import type { KpiConfig } from '../../domain/kpi/config.ts'
import { customerSegments } from '../../domain/kpi/customer-segments.ts'
import type { Context, MongoServiceCollection, ServiceSession } from '../../runtime/context.ts'
import { earliestDate } from './broken-dates.ts'
import { collectionOf, deletionOf, queryCap, readAll, startSession } from './database.ts'
import { documentProjection, logProjection } from './read-log.ts'
import { byCustomer, cutSegments, type ReadSegments, readAllSegments } from './read-segments.ts'
import { noteRepair, type Repair } from './repairs.ts'
import { upserting } from './retry.ts'
import { customerSegmentDocument, subscriptionSegmentDocument } from './segment-documents.ts'
import { keyOf, toInstant, toNumber } from './values.ts'

/** Rows stamped this shortly before the last look may have become visible only after it. */
const overlapMs = 300_000
const batchSize = 5_000
/** With more changed rows than this, one pass over the whole log is cheaper than a transaction over their customers. */
const manyChanges = 1_000

/** A document of `kpi_state`: how far the log has been read into segments. */
interface SegmentState {
  readonly watermark: Instant
  /** Rows without `recorded_at`: no watermark sees them, so a change of their number calls for a full pass. */
  readonly unstamped: number
  readonly configKey: string
}

export interface SegmentRefresh {
  /** What this call changed, and left noted. */
  readonly repairs: readonly Repair[]
  /** The newest `recorded_at` the segments include. */
  readonly logTo: Instant
}

function configKeyOf(config: KpiConfig): string {
  return JSON.stringify([config.reportingCurrency, config.pastDueGraceDays])
}

async function readState(context: Context): Promise<SegmentState | null> {
  const document = await collectionOf(context, 'kpi_state').findOne({ _id: 'segments' })
  const watermark = toInstant(document?.watermark)
  if (document === null || watermark === null) return null
  return { watermark, unstamped: toNumber(document.unstamped), configKey: String(document.config_key) }
}

async function writeState(context: Context, watermark: Date, unstamped: number, config: KpiConfig): Promise<void> {
  await upserting(() =>
    collectionOf(context, 'kpi_state').updateOne(
      { _id: 'segments' },
      { $max: { watermark }, $set: { unstamped, config_key: configKeyOf(config) } },
      { upsert: true },
    ),
  )
}

/**
 * Brings `subscription_segments` and `customer_mrr_segments` up to the log: the customers with rows recorded since the
 * last look are rebuilt, each as a whole; everybody is when there was no look, when the rules changed, or when `full`.
 */
export async function refreshSegments(
  context: Context,
  config: KpiConfig,
  now: Date,
  full = false,
): Promise<SegmentRefresh> {
  const log = collectionOf(context, 'subscription_events')
  const state = await readState(context)
  const unstamped = await log.count({ recorded_at: null })
  const newRules = state === null || state.configKey !== configKeyOf(config)
  const repairs: Repair[] = []
  if (full || newRules || state.unstamped !== unstamped) {
    // Rules say more than segments do, such as what was spent.
    if (newRules) repairs.push(await noteRepair(context, { revenueFrom: earliestDate.getTime(), full: true }))
    repairs.push(...(await rebuildAll(context, config)))
  } else {
    const since = { $gte: new Date(state.watermark - overlapMs) }
    const rows = await readAll(
      log,
      { recorded_at: since },
      { _id: 1, subscription_id: 1, user_id: 1, provider_event_id: 1 },
    )
    const documents = await readAll(
      collectionOf(context, 'subscriptions'),
      { updated_at: since },
      { _id: 1, user_id: 1 },
    )
    if (rows.length + documents.length > manyChanges) repairs.push(...(await rebuildAll(context, config)))
    else if (rows.length + documents.length > 0) repairs.push(...(await rebuildSome(context, config, rows, documents)))
  }
  await writeState(context, now, unstamped, config)
  return { repairs, logTo: now.getTime() }
}

function segmentDocuments(
  read: ReadSegments,
  customers: ReadonlySet<string> | null,
): { subscriptions: Document[]; customers: Document[] } {
  const positions = new Map<string, number>()
  const subscriptions = read.segments.map((segment) => {
    const index = positions.get(segment.subscription) ?? 0
    positions.set(segment.subscription, index + 1)
    return subscriptionSegmentDocument(segment, index, read.ids)
  })
  const result: Document[] = []
  for (const [customer, own] of byCustomer(read.segments))
    if (customers === null || customers.has(customer))
      for (const segment of customerSegments(own)) result.push(customerSegmentDocument(segment, read.ids))
  return { subscriptions, customers: result }
}

async function rebuildAll(context: Context, config: KpiConfig): Promise<Repair[]> {
  const wanted = segmentDocuments(await readAllSegments(context, config), null)
  const repairs: Repair[] = []
  for (const [name, documents] of [
    ['subscription_segments', wanted.subscriptions],
    ['customer_mrr_segments', wanted.customers],
  ] as const) {
    const collection = collectionOf(context, name)
    const changes = changesBetween(await readAll(collection, {}, { run: 0 }), documents)
    if (changes.from !== null) repairs.push(await noteRepair(context, { revenueFrom: changes.from, full: true }))
    await apply(collection, changes.writes)
  }
  return repairs
}

/** Rebuilds the customers of some rows and documents in one transaction. */
async function rebuildSome(
  context: Context,
  config: KpiConfig,
  rows: readonly Document[],
  documents: readonly Document[],
): Promise<Repair[]> {
  const subscriptions = distinct([...rows.map((row) => row.subscription_id), ...documents.map(({ _id }) => _id)])
  const session = startSession(context)
  try {
    // Two runs that build the same customer for the first time may meet at a key: the later one starts over.
    return await upserting(() =>
      session.withTransaction(async () => {
        const repairs: Repair[] = []
        const log = collectionOf(context, 'subscription_events')
        const find = (collection: MongoServiceCollection<Document>, query: Document, projection: Document) =>
          collection.find(query, projection, { session, limit: queryCap }).toArray()
        const sharing = await findSharing(rows, subscriptions, (query) => find(log, query, logProjection))
        const changed = distinct([...subscriptions, ...sharing.map((row) => row.subscription_id)])
        const ownRows = await find(log, { subscription_id: { $in: changed } }, { subscription_id: 1, user_id: 1 })
        const customers = distinct([
          ...ownRows.map((row) => row.user_id),
          ...documents.map((document) => document.user_id),
        ])
        const customerRows = await find(log, { user_id: { $in: customers } }, { subscription_id: 1 })
        const customerDocuments = await find(
          collectionOf(context, 'subscriptions'),
          { $or: [{ user_id: { $in: customers } }, { _id: { $in: changed } }] },
          documentProjection,
        )
        const all = distinct([
          ...changed,
          ...customerRows.map((row) => row.subscription_id),
          ...customerDocuments.map(({ _id }) => _id),
        ])
        const allRows = await find(log, { subscription_id: { $in: all } }, logProjection)
        const others = await findSharing(allRows, all, (query) => find(log, query, logProjection))
        const read = cutSegments(allRows, customerDocuments, config, others)
        const keys = new Set(customers.map((id) => keyOf(id) ?? ''))
        for (const id of all) keys.add(`subscription:${keyOf(id)}`)
        const wanted = segmentDocuments(read, keys)
        const owners = [...customers, ...all.map((id) => `subscription:${keyOf(id)}`)]
        for (const [name, query, wantedDocuments] of [
          ['subscription_segments', { s: { $in: all } }, wanted.subscriptions],
          ['customer_mrr_segments', { u: { $in: owners } }, wanted.customers],
        ] as const) {
          const collection = collectionOf(context, name)
          const changes = changesBetween(await find(collection, query, {}), wantedDocuments)
          if (changes.from !== null) repairs.push(await noteRepair(context, { revenueFrom: changes.from }, session))
          await apply(collection, changes.writes, session)
        }
        return repairs
      }),
    )
  } finally {
    session.endSession()
  }
}

/** Rows of other subscriptions with the same `provider_event_id`: where a unique index forbids them there are none. */
async function findSharing(
  rows: readonly Document[],
  subscriptions: readonly unknown[],
  find: (query: Document) => Promise<Document[]>,
): Promise<Document[]> {
  const events = distinct(rows.map((row) => row.provider_event_id))
  if (events.length === 0) return []
  return find({ provider_event_id: { $in: events }, subscription_id: { $nin: subscriptions } })
}

function distinct(ids: readonly unknown[]): unknown[] {
  const byKey = new Map<string, unknown>()
  for (const id of ids) {
    const key = keyOf(id)
    if (key !== null && !byKey.has(key)) byKey.set(key, id)
  }
  return [...byKey.values()]
}

interface Changes {
  /** Writes that turn the stored documents into the wanted ones; each may run twice or beside its equal. */
  readonly writes: readonly Document[]
  /** Start of the first day they change; null: none. */
  readonly from: Instant | null
}

function changesBetween(existing: readonly Document[], wanted: readonly Document[]): Changes {
  const stored = new Map(existing.map((document) => [keyOf(document._id) ?? '', document]))
  const writes: Document[] = []
  const instants: Instant[] = []
  for (const document of wanted) {
    const key = keyOf(document._id) ?? ''
    const known = stored.get(key)
    stored.delete(key)
    if (known !== undefined && keyOf(known) === keyOf(document)) continue
    writes.push({ replaceOne: { filter: { _id: document._id }, replacement: document, upsert: true } })
    instants.push(known === undefined ? startOf(document) : firstDifference(known, document))
  }
  for (const document of stored.values()) {
    writes.push(deletionOf(document._id))
    instants.push(startOf(document))
  }
  return { writes, from: instants.length === 0 ? null : startOfDay(instants.reduce((a, b) => Math.min(a, b))) }
}

const startOf = (segment: Document): Instant => toInstant(segment.from) ?? 0

/** A segment that merely ends otherwise is the same up to the earlier end. */
function firstDifference(known: Document, wanted: Document): Instant {
  const beginning = ({ to: _to, next_status: _status, next_paying: _paying, ...rest }: Document): Document => rest
  if (keyOf(beginning(known)) !== keyOf(beginning(wanted))) return Math.min(startOf(known), startOf(wanted))
  return Math.min(toInstant(known.to) ?? 0, toInstant(wanted.to) ?? 0)
}

async function apply(
  collection: MongoServiceCollection<Document>,
  changes: readonly Document[],
  session?: ServiceSession,
): Promise<void> {
  for (let from = 0; from < changes.length; from += batchSize) {
    const batch = changes.slice(from, from + batchSize)
    // Inside a transaction the whole transaction runs again instead.
    if (session === undefined) await upserting(() => collection.bulkWrite(batch, { ordered: false }))
    else await collection.bulkWrite(batch, { ordered: false, session })
  }
}
