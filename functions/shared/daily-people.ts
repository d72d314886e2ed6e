import type { Document } from 'bson'
import { dayMs, type Instant, startOfDay } from '../../domain/instant.ts'
import type { KpiConfig } from '../../domain/kpi/config.ts'
import type { Context } from '../../runtime/context.ts'
import { dayOfEvent, isFutureEvent, matchActivity, matchEvents } from './activity-pipeline.ts'
import { collectionOf, rawCollectionOf, readGroups } from './database.ts'
import { isDuplicateKey, upserting } from './retry.ts'
import { keyOf, toInstant } from './values.ts'

/** Who was active on one day. */
export interface DayPeople {
  /** Ids as stored, each once. */
  readonly ids: readonly unknown[]
  /** Events of each, in the same order. */
  readonly counts: readonly number[]
}

/** What the events of some days say. */
export interface CountedDays {
  readonly people: ReadonlyMap<Instant, DayPeople>
  readonly futureEvents: ReadonlyMap<Instant, number>
}

const attempts = 4
const batchSize = 5_000
/** People checked at once before their stale documents go. */
const staleBatch = 1_000

/** One document a day instead of one a person: most of what reading costs is documents. */
function byDay(day: string, id: string, count: unknown, most: number): Document[] {
  return [
    { $limit: most },
    { $group: { _id: day, ids: { $push: id }, counts: { $push: count }, marked: { $sum: '$marked' } } },
  ]
}

function toPeople(documents: readonly Document[], most: number): Map<Instant, DayPeople> | null {
  const people = new Map<Instant, DayPeople>()
  let total = 0
  for (const { _id, ids, counts } of documents) {
    const [given, events]: unknown[][] = [ids, counts]
    total += given?.length ?? 0
    people.set(toInstant(_id) ?? 0, { ids: given ?? [], counts: (events ?? []).map(Number) })
  }
  return total >= most ? null : people
}

/**
 * Counts the people of each day of `[from, to)` in one pass over their events; null when they are `most` or more, too
 * many to hold in a function.
 */
export async function countPeople(
  context: Context,
  from: Instant,
  to: Instant,
  config: KpiConfig,
  most: number,
): Promise<CountedDays | null> {
  const isActivity = {
    $and: [
      { $gt: ['$user_id', null] },
      { $not: [{ $in: ['$event_type', { $literal: [...config.inactiveEventTypes] }] }] },
      { $not: [isFutureEvent] },
    ],
  }
  const documents = await rawCollectionOf(context, 'analytics_events')
    .aggregate(
      [
        ...matchEvents(from, to),
        {
          $group: {
            // What is missing would be pushed to the ids as nothing, and its count as something.
            _id: { d: dayOfEvent, u: { $ifNull: ['$user_id', null] } },
            n: { $sum: { $cond: [isActivity, 1, 0] } },
            marked: { $sum: { $cond: [isFutureEvent, 1, 0] } },
          },
        },
        ...byDay('$_id.d', '$_id.u', '$n', most),
      ],
      { allowDiskUse: true },
    )
    .toArray()
  const all = toPeople(documents, most)
  if (all === null) return null
  const people = new Map<Instant, DayPeople>()
  for (const [day, { ids, counts }] of all)
    people.set(day, { ids: ids.filter((_, at) => counts[at] !== 0), counts: counts.filter((count) => count !== 0) })
  const futureEvents = new Map(documents.map(({ _id, marked }) => [toInstant(_id) ?? 0, Number(marked)]))
  return { people, futureEvents }
}

/** False for a document that no rollup has written: its `_id` is not its day and user. */
const isOwn: Document = { $eq: ['$_id', { d: '$d', u: '$u' }] }

/** Deletes documents that somebody else put there. */
async function deleteForeign(context: Context, from: Instant, to: Instant): Promise<void> {
  const daily = collectionOf(context, 'user_activity_daily')
  const foreign = await readGroups(daily, [
    { $match: { d: { $gte: new Date(from), $lt: new Date(to) } } },
    { $match: { $expr: { $not: [isOwn] } } },
    { $project: { _id: 1 } },
  ])
  for (let at = 0; at < foreign.length; at += staleBatch)
    await daily.deleteMany({ _id: { $in: foreign.slice(at, at + staleBatch).map(({ _id }) => _id) } })
}

/** What is stored, and the days on which some of it is not the rollup's own; null when it is too much. */
async function readStored(
  context: Context,
  from: Instant,
  to: Instant,
  most: number,
): Promise<{ people: Map<Instant, DayPeople>; foreign: Instant[] } | null> {
  const documents = await collectionOf(context, 'user_activity_daily')
    .aggregate(
      [
        { $match: { d: { $gte: new Date(from), $lt: new Date(to) } } },
        { $project: { d: 1, n: 1, u: { $ifNull: ['$_id.u', null] }, marked: { $cond: [isOwn, 0, 1] } } },
        ...byDay('$d', '$u', { $ifNull: ['$n', 0] }, most),
      ],
      { allowDiskUse: true },
    )
    .toArray()
  const people = toPeople(documents, most)
  const foreign = documents.filter(({ marked }) => Number(marked) > 0).map(({ _id }) => startOfDay(toInstant(_id) ?? 0))
  return people === null ? null : { people, foreign }
}

/**
 * Writes what differs between `user_activity_daily` and the people counted: nothing at all when a run is repeated.
 *
 * @param options `kept`: days that nobody leaves · `onChange`: called before people come or go, with their days
 * @returns false when more is stored than fits a function, and nothing was written
 */
export async function storePeople(
  context: Context,
  from: Instant,
  to: Instant,
  counted: ReadonlyMap<Instant, DayPeople>,
  options: {
    config: KpiConfig
    run: string
    most: number
    kept: ReadonlySet<Instant>
    onChange: (days: readonly Instant[]) => Promise<void>
  },
): Promise<boolean> {
  const daily = collectionOf(context, 'user_activity_daily')
  for (let attempt = 1; ; attempt++) {
    const stored = await readStored(context, from, to, options.most)
    if (stored === null) return false
    if (attempt === 1 && stored.foreign.length > 0) {
      await options.onChange(stored.foreign)
      await deleteForeign(context, from, to)
      continue
    }
    const { writes, stale, days } = changes(counted, stored.people, options)
    if (days.length > 0) await options.onChange(days)
    try {
      for (let at = 0; at < writes.length; at += batchSize)
        await daily.bulkWrite(writes.slice(at, at + batchSize), { ordered: false })
      await deleteStale(context, from, to, stale, options.config)
      return true
    } catch (error) {
      // Another run inserted some of the same people first: look again at what is missing.
      if (attempt === attempts || !isDuplicateKey(error)) throw error
    }
  }
}

function changes(
  counted: ReadonlyMap<Instant, DayPeople>,
  stored: ReadonlyMap<Instant, DayPeople>,
  { run, kept }: { run: string; kept: ReadonlySet<Instant> },
): { writes: Document[]; stale: Document[]; days: Instant[] } {
  const writes: Document[] = []
  const stale: Document[] = []
  const days: Instant[] = []
  for (const day of new Set([...counted.keys(), ...stored.keys()])) {
    const d = new Date(day)
    let moved = false
    const known = new Map<string, { u: unknown; n: number }>()
    const before = stored.get(day)
    before?.ids.forEach((u, at) => {
      known.set(keyOf(u) ?? '', { u, n: before.counts[at] ?? 0 })
    })
    const now = counted.get(day)
    now?.ids.forEach((u, at) => {
      const key = keyOf(u) ?? ''
      const n = now.counts[at] ?? 0
      const document = { _id: { d, u }, d, u, n, run }
      const earlier = known.get(key)
      known.delete(key)
      if (earlier === undefined) {
        writes.push({ insertOne: { document } })
        moved = true
      } else if (kept.has(day) ? earlier.n < n : earlier.n !== n)
        writes.push({ replaceOne: { filter: { _id: document._id }, replacement: document, upsert: true } })
    })
    const gone = kept.has(day) ? [] : [...known.values()]
    for (const { u } of gone) stale.push({ d, u })
    if (moved || gone.length > 0) days.push(day)
  }
  return { writes, stale, days }
}

/**
 * Rewrites the days on the server, without holding their people: for days too large for `storePeople`. Every document
 * of the run carries its name, so that the others can be told.
 *
 * @returns false when nobody came and nobody went
 */
export async function mergePeople(
  context: Context,
  from: Instant,
  to: Instant,
  options: { config: KpiConfig; run: string; kept: ReadonlySet<Instant> },
): Promise<boolean> {
  const daily = collectionOf(context, 'user_activity_daily')
  const range = { d: { $gte: new Date(from), $lt: new Date(to) } }
  const whenMatched = options.kept.size > 0 ? 'keepExisting' : 'replace'
  const before = await daily.count(range)
  await upserting(() =>
    collectionOf(context, 'analytics_events')
      .aggregate(
        [
          ...matchActivity(from, to, options.config),
          { $group: { _id: { d: dayOfEvent, u: '$user_id' }, n: { $sum: 1 } } },
          { $project: { _id: 1, d: '$_id.d', u: '$_id.u', n: 1, run: { $literal: options.run } } },
          { $merge: { into: 'user_activity_daily', on: '_id', whenMatched, whenNotMatched: 'insert' } },
        ],
        { allowDiskUse: true },
      )
      .toArray(),
  )
  const after = await daily.count(range)
  const others = await readGroups(daily, [
    { $match: { ...range, run: { $ne: options.run } } },
    { $project: { _id: 1 } },
  ])
  const stale = others.map(({ _id }) => _id).filter(({ d }) => !options.kept.has(toInstant(d) ?? 0))
  await deleteStale(context, from, to, stale, options.config)
  return before !== after || stale.length > 0
}

/**
 * Deletes documents that this run did not find and the events no longer say. The second look at the events is what makes
 * two runs at once safe: what this run did not find may be what another has just written.
 */
async function deleteStale(
  context: Context,
  from: Instant,
  to: Instant,
  candidates: readonly Document[],
  config: KpiConfig,
): Promise<void> {
  for (let at = 0; at < candidates.length; at += staleBatch) {
    const batch = candidates.slice(at, at + staleBatch)
    const people = new Map(batch.map(({ u }) => [keyOf(u) ?? '', u as unknown]))
    const seen = await readGroups(rawCollectionOf(context, 'analytics_events'), [
      ...matchActivity(from, to, config),
      { $match: { user_id: { $in: [...people.values()] } } },
      { $group: { _id: { d: dayOfEvent, u: '$user_id' } } },
    ])
    const active = new Set(seen.map(({ _id }) => keyOf(_id)))
    const stale = batch.filter((_id) => !active.has(keyOf(_id)))
    if (stale.length > 0) await collectionOf(context, 'user_activity_daily').deleteMany({ _id: { $in: stale } })
  }
}

/** Events of `[from, to)` whose clock ran ahead, by day; for days too large for `countPeople`. */
export async function countFutureByDay(context: Context, from: Instant, to: Instant): Promise<Map<Instant, number>> {
  const groups = await rawCollectionOf(context, 'analytics_events')
    .aggregate([
      ...matchEvents(from, to),
      { $match: { $expr: isFutureEvent } },
      { $group: { _id: dayOfEvent, count: { $sum: 1 } } },
    ])
    .toArray()
  return new Map(groups.map(({ _id, count }) => [toInstant(_id) ?? 0, Number(count)]))
}

/** People held at once; a day with more is rewritten on the server. Bounds memory, and the size of one day's document. */
export const peopleAtOnce = 100_000

/** Longest stretch that is read at once, however few people it has. */
const longestSpan = 183

/**
 * How many days may be read at once, after a stretch of `days` held `people`: as many as likely hold fewer than
 * `peopleAtOnce`.
 */
export function nextSpan(days: number, people: number): number {
  const likely = Math.floor((0.7 * peopleAtOnce * days) / Math.max(1, people))
  return Math.max(1, Math.min(longestSpan, likely))
}

/** Midnights of `[from, to)`. */
export function daysOf(from: Instant, to: Instant): Instant[] {
  const days: Instant[] = []
  for (let day = from; day < to; day += dayMs) days.push(day)
  return days
}
