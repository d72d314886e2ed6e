import type { Document } from 'bson'
import type { KpiConfig } from '../../domain/kpi/config.ts'
import type { LogRow } from '../../domain/kpi/subscription-row.ts'
import {
  type SubscriptionSegment,
  segmentsFromDocument,
  segmentsFromLog,
} from '../../domain/kpi/subscription-segments.ts'
import type { Context } from '../../runtime/context.ts'
import { rawCollectionOf, readAll } from './database.ts'
import { documentProjection, logProjection, toLogRow, toSubscriptionDocument } from './read-log.ts'
import { keyOf } from './values.ts'

/** Every segment of some or all subscriptions, cut from the rows as they are now. */
export interface ReadSegments {
  readonly segments: readonly SubscriptionSegment[]
  /** Customer and subscription ids as stored, by key. */
  readonly ids: ReadonlyMap<string, unknown>
  readonly duplicates: number
  readonly invalidDates: number
}

/** Cuts rows and documents into segments; a subscription with a log row is never also read from its document. */
export function cutSegments(
  rows: readonly Document[],
  documents: readonly Document[],
  config: KpiConfig,
): ReadSegments {
  const ids = new Map<string, unknown>()
  const remember = (id: unknown): void => {
    const key = keyOf(id)
    if (key !== null && !ids.has(key)) ids.set(key, id)
  }
  const bySubscription = new Map<string, LogRow[]>()
  let invalidDates = 0
  let duplicates = 0
  for (const document of rows) {
    const row = toLogRow(document)
    if (row === null) {
      invalidDates += 1
      continue
    }
    remember(document.user_id)
    remember(document.subscription_id)
    const known = bySubscription.get(row.subscription)
    if (known === undefined) bySubscription.set(row.subscription, [row])
    else known.push(row)
  }
  const segments: SubscriptionSegment[] = []
  for (const log of bySubscription.values()) {
    const cut = segmentsFromLog(log, config)
    segments.push(...cut.segments)
    duplicates += cut.duplicates
  }
  for (const document of documents) {
    const subscription = toSubscriptionDocument(document)
    if (bySubscription.has(subscription.subscription)) continue
    const cut = segmentsFromDocument(subscription, config)
    if (cut === null) {
      invalidDates += 1
      continue
    }
    remember(document.user_id)
    remember(document._id)
    segments.push(...cut)
  }
  return { segments, ids, duplicates, invalidDates }
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
