import type { Document } from 'bson'
import type { KpiConfig } from '../../domain/kpi/config.ts'
import type { LogRow } from '../../domain/kpi/subscription-row.ts'
import {
  anonymousCustomer,
  compareArrivals,
  type SubscriptionSegment,
  segmentsFromDocument,
  segmentsFromLog,
} from '../../domain/kpi/subscription-segments.ts'
import { zeroMoney } from '../../domain/money.ts'
import type { Context } from '../../runtime/context.ts'
import { rawCollectionOf, readAll } from './database.ts'
import { documentProjection, hasBrokenDate, logProjection, toLogRow, toSubscriptionDocument } from './read-log.ts'
import { keyOf } from './values.ts'

/** Every segment of some or all subscriptions, cut from the rows as they are now. */
export interface ReadSegments {
  readonly segments: readonly SubscriptionSegment[]
  /** Customer and subscription ids as stored, by key. */
  readonly ids: ReadonlyMap<string, unknown>
}

/** A row that was left out, or one of its dates, kept as a segment of no length so that it can be counted where segments are. */
function leftOut(subscription: string, customer: string | null, status: 'invalid' | 'duplicate'): SubscriptionSegment {
  return {
    subscription,
    customer: customer ?? anonymousCustomer(subscription),
    from: 0,
    to: 0,
    status,
    value: zeroMoney,
    issue: null,
    next: null,
    history: 'log',
  }
}

/** The row that counts of each `provider_event_id`, whatever subscriptions its rows name. */
function firstArrivals(rows: Iterable<LogRow>): Map<string, LogRow> {
  const first = new Map<string, LogRow>()
  for (const row of rows) {
    if (row.providerEventId === null) continue
    const known = first.get(row.providerEventId)
    if (known === undefined || compareArrivals(row, known) < 0) first.set(row.providerEventId, row)
  }
  return first
}

/**
 * Cuts rows and documents into segments; a subscription with a log row is never also read from its document.
 *
 * @param others rows of other subscriptions that share a `provider_event_id` with one of `rows`
 */
export function cutSegments(
  rows: readonly Document[],
  documents: readonly Document[],
  config: KpiConfig,
  others: readonly Document[] = [],
): ReadSegments {
  const ids = new Map<string, unknown>()
  const remember = (id: unknown): void => {
    const key = keyOf(id)
    if (key !== null && !ids.has(key)) ids.set(key, id)
  }
  const bySubscription = new Map<string, LogRow[]>()
  const segments: SubscriptionSegment[] = []
  for (const document of rows) {
    const row = toLogRow(document)
    remember(document.user_id)
    remember(document.subscription_id)
    if (row === null) {
      segments.push(leftOut(keyOf(document.subscription_id) ?? 'unknown', keyOf(document.user_id), 'invalid'))
      continue
    }
    if (hasBrokenDate(document)) segments.push(leftOut(row.subscription, row.customer, 'invalid'))
    const known = bySubscription.get(row.subscription)
    if (known === undefined) bySubscription.set(row.subscription, [row])
    else known.push(row)
  }
  const competitors = others.map(toLogRow).filter((row) => row !== null)
  const first = firstArrivals([...[...bySubscription.values()].flat(), ...competitors])
  const isForeign = (row: LogRow): boolean => {
    if (row.providerEventId === null) return false
    return first.get(row.providerEventId)?.subscription !== row.subscription
  }
  for (const [subscription, log] of bySubscription) {
    for (const row of log.filter(isForeign).sort(compareArrivals))
      segments.push(leftOut(subscription, row.customer, 'duplicate'))
    const cut = segmentsFromLog(
      log.filter((row) => !isForeign(row)),
      config,
    )
    segments.push(...cut.segments)
    for (let nth = 0; nth < cut.duplicates; nth++)
      segments.push(leftOut(subscription, log[0]?.customer ?? null, 'duplicate'))
  }
  for (const document of documents) {
    const subscription = toSubscriptionDocument(document)
    if (bySubscription.has(subscription.subscription)) continue
    remember(document.user_id)
    remember(document._id)
    const cut = segmentsFromDocument(subscription, config)
    segments.push(...(cut ?? []))
    if (cut === null || hasBrokenDate(document))
      segments.push(leftOut(subscription.subscription, subscription.customer, 'invalid'))
  }
  return { segments, ids }
}

/** Reads the whole change log and every subscription. */
export async function readAllSegments(context: Context, config: KpiConfig): Promise<ReadSegments> {
  const rows = await readAll(rawCollectionOf(context, 'subscription_events'), {}, logProjection)
  const documents = await readAll(rawCollectionOf(context, 'subscriptions'), {}, documentProjection)
  return cutSegments(rows, documents, config)
}

/** Groups segments by customer. */
export function byCustomer<T extends { readonly customer: string }>(segments: Iterable<T>): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const segment of segments) {
    const group = groups.get(segment.customer)
    if (group === undefined) groups.set(segment.customer, [segment])
    else group.push(segment)
  }
  return groups
}
