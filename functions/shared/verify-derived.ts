import type { Document } from 'bson'
import { type Instant, openEnd } from '../../domain/instant.ts'
import type { KpiConfig } from '../../domain/kpi/config.ts'
import { customerSegments } from '../../domain/kpi/customer-segments.ts'
import type { Context } from '../../runtime/context.ts'
import { collectionOf, readAll } from './database.ts'
import { readExpiredDays } from './expired-days.ts'
import type { ReadDays } from './read-people.ts'
import { byCustomer, readAllSegments } from './read-segments.ts'
import { readRollups } from './rollup.ts'
import { customerSegmentDocument, subscriptionSegmentDocument } from './segment-documents.ts'
import { keyOf, toInstant } from './values.ts'

/** A derived document that is not what the raw collections say. */
export interface DifferingRow {
  readonly collection: string
  readonly id: unknown
  /** The fields that differ; all of them for a document that is missing, none for one that should not be there. */
  readonly fields: readonly { readonly name: string; readonly stored: unknown; readonly computed: unknown }[]
  readonly problem: 'differs' | 'missing' | 'unexpected'
}

/**
 * Holds `subscription_segments` and `customer_mrr_segments` against the log, as far as snapshots up to `to` use them:
 * what happens later may still wait for the next night.
 */
export async function verifySegments(context: Context, config: KpiConfig, to: Instant): Promise<DifferingRow[]> {
  const read = await readAllSegments(context, config)
  const positions = new Map<string, number>()
  const subscriptions = read.segments.map((segment) => {
    const index = positions.get(segment.subscription) ?? 0
    positions.set(segment.subscription, index + 1)
    return subscriptionSegmentDocument(segment, index, read.ids)
  })
  const customers = [...byCustomer(read.segments).values()].flatMap((own) =>
    customerSegments(own).map((segment) => customerSegmentDocument(segment, read.ids)),
  )
  const differing: DifferingRow[] = []
  for (const [collection, computed] of [
    ['subscription_segments', subscriptions],
    ['customer_mrr_segments', customers],
  ] as const) {
    const stored = await readAll(collectionOf(context, collection), {}, { run: 0 })
    differing.push(...differences(collection, until(stored, to), until(computed, to)))
  }
  return differing
}

/** Segments as seen at `to`: what begins there or later is not there yet, what ends later is open. */
function until(segments: readonly Document[], to: Instant): Document[] {
  return segments
    .filter(({ from }) => (toInstant(from) ?? 0) < to)
    .map((segment) => {
      if ((toInstant(segment.to) ?? 0) < to) return segment
      const open: Document = { ...segment, to: new Date(openEnd) }
      if ('next_status' in open) Object.assign(open, { next_status: null, next_paying: false })
      return open
    })
}

/** Holds `user_activity_daily` against the people read from events, for the days that were rolled up and are all there. */
export async function verifyPeople(context: Context, { from, to, days }: ReadDays): Promise<DifferingRow[]> {
  const rolled = await readRollups(context, from, to)
  const expired = await readExpiredDays(context, from, to)
  const stored = await readAll(
    collectionOf(context, 'user_activity_daily'),
    { d: { $gte: new Date(from), $lt: new Date(to) } },
    { d: 1, u: 1, n: 1 },
  )
  const computed: Document[] = []
  for (const [day, people] of days) {
    const d = new Date(day)
    for (const { id, events } of people.values()) computed.push({ _id: { d, u: id }, d, u: id, n: events })
  }
  const kept = ({ d }: Document): boolean => {
    const day = toInstant(d) ?? 0
    return rolled.has(day) && !expired.has(day)
  }
  return differences('user_activity_daily', stored.filter(kept), computed.filter(kept))
}

function differences(collection: string, stored: readonly Document[], computed: readonly Document[]): DifferingRow[] {
  const rest = new Map(stored.map((document) => [keyOf(document._id) ?? '', document]))
  const differing: DifferingRow[] = []
  for (const document of computed) {
    const key = keyOf(document._id) ?? ''
    const known = rest.get(key)
    rest.delete(key)
    const fields = Object.keys(document)
      .filter((name) => name !== '_id' && keyOf(document[name]) !== keyOf(known?.[name]))
      .map((name) => ({ name, stored: known?.[name] ?? null, computed: document[name] }))
    if (known === undefined) differing.push({ collection, id: document._id, problem: 'missing', fields })
    else if (fields.length > 0) differing.push({ collection, id: document._id, problem: 'differs', fields })
  }
  for (const document of rest.values())
    differing.push({ collection, id: document._id, problem: 'unexpected', fields: [] })
  return differing
}
