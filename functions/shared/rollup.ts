import type { Document } from 'bson'
import { dayMs, type Instant, startOfDay } from '../../domain/instant.ts'
import type { KpiConfig } from '../../domain/kpi/config.ts'
import type { Context } from '../../runtime/context.ts'
import { isFutureEvent, matchActivity } from './activity-pipeline.ts'
import { collectionOf, queryCap, rawCollectionOf, readAll, readGroups } from './database.ts'
import { findUnknownUsers } from './read-users.ts'
import { upserting } from './retry.ts'
import { keyOf, toInstant } from './values.ts'

/** A document of `kpi_rollups`: what the last rollup of one day saw. */
export interface DayRollup {
  readonly day: Instant
  /** When its events were read: what arrives later makes the day late. */
  readonly rolledAt: Instant
  readonly futureEvents: number
  readonly unknownUsers: number
}

/** People checked at once before their stale documents go. */
const staleBatch = 1_000

/** Midnight that opens the day of an event, in every server version. */
const dayOfEvent: Document = {
  $subtract: ['$timestamp', { $mod: [{ $subtract: ['$timestamp', new Date(0)] }, dayMs] }],
}

/**
 * Rewrites `user_activity_daily` for the days of `[from, to)` from the events, and `kpi_rollups` with them. Running it
 * twice, or in two places at once, ends in the same state (spec: KPIs 8.3).
 */
export async function rollUpDays(
  context: Context,
  from: Instant,
  to: Instant,
  config: KpiConfig,
  now: Date,
): Promise<void> {
  const run = `${now.toISOString()}-${Math.random().toString(36).slice(2, 10)}`
  const grouped: Document[] = [
    ...matchActivity(from, to, config),
    { $group: { _id: { d: dayOfEvent, u: '$user_id' }, n: { $sum: 1 } } },
    { $project: { _id: 1, d: '$_id.d', u: '$_id.u', n: 1, run: { $literal: run } } },
  ]
  const merge = (): Promise<unknown> =>
    collectionOf(context, 'analytics_events')
      .aggregate(
        [
          ...grouped,
          {
            $merge: {
              into: 'user_activity_daily',
              on: '_id',
              whenMatched: 'replace',
              whenNotMatched: 'insert',
            },
          },
        ],
        { allowDiskUse: true },
      )
      .toArray()
  const daily = collectionOf(context, 'user_activity_daily')
  const range = { $gte: new Date(from), $lt: new Date(to) }
  const hadAny = (await daily.findOne({ d: range }, { _id: 1 })) !== null
  await upserting(merge)
  if (hadAny) await deleteStale(context, from, to, run, config)
  await recordRollups(context, from, to, now)
}

/**
 * Deletes what this run did not write and the events no longer say. The second look at the events is what makes two
 * runs at once safe: a document without this run may also be one that the other run has just written.
 */
async function deleteStale(
  context: Context,
  from: Instant,
  to: Instant,
  run: string,
  config: KpiConfig,
): Promise<void> {
  const daily = collectionOf(context, 'user_activity_daily')
  const range = { $gte: new Date(from), $lt: new Date(to) }
  const candidates = await readAll(daily, { d: range, run: { $ne: run } }, { _id: 1 })
  for (let at = 0; at < candidates.length; at += staleBatch) {
    const batch = candidates.slice(at, at + staleBatch)
    const people = new Map(batch.map(({ _id }) => [keyOf(_id.u) ?? '', _id.u as unknown]))
    const seen = await readGroups(rawCollectionOf(context, 'analytics_events'), [
      ...matchActivity(from, to, config),
      { $match: { user_id: { $in: [...people.values()] } } },
      { $group: { _id: { d: dayOfEvent, u: '$user_id' } } },
    ])
    const active = new Set(seen.map(({ _id }) => keyOf(_id)))
    const stale = batch.map(({ _id }) => _id).filter((_id) => !active.has(keyOf(_id)))
    if (stale.length > 0) await daily.deleteMany({ _id: { $in: stale } })
  }
}

async function recordRollups(context: Context, from: Instant, to: Instant, now: Date): Promise<void> {
  const range = { $gte: new Date(from), $lt: new Date(to) }
  const future = await rawCollectionOf(context, 'analytics_events')
    .aggregate([
      { $match: { timestamp: range } },
      { $match: { $expr: isFutureEvent } },
      { $group: { _id: dayOfEvent, count: { $sum: 1 } } },
    ])
    .toArray()
  const futureByDay = new Map(future.map(({ _id, count }) => [toInstant(_id) ?? 0, Number(count)]))
  const unknownByDay = await countUnknownByDay(context, range)
  const operations: Document[] = []
  for (let day = from; day < to; day += dayMs)
    operations.push({
      updateOne: {
        filter: { _id: new Date(day) },
        update: {
          $set: {
            rolled_at: now,
            future_events: futureByDay.get(day) ?? 0,
            unknown_users: unknownByDay.get(day) ?? 0,
          },
        },
        upsert: true,
      },
    })
  if (operations.length > 0)
    await upserting(() => collectionOf(context, 'kpi_rollups').bulkWrite(operations, { ordered: false }))
}

async function countUnknownByDay(context: Context, range: Document): Promise<Map<Instant, number>> {
  const daily = collectionOf(context, 'user_activity_daily')
  const people = await readGroups(daily, [{ $match: { d: range } }, { $group: { _id: '$u' } }])
  const ids = new Map(people.map(({ _id }) => [keyOf(_id) ?? '', _id as unknown]))
  const unknown = await findUnknownUsers(context, ids)
  const counts = new Map<Instant, number>()
  if (unknown.size === 0) return counts
  const list = [...unknown].map((key) => ids.get(key)).slice(0, queryCap)
  const groups = await daily
    .aggregate([{ $match: { d: range, u: { $in: list } } }, { $group: { _id: '$d', count: { $sum: 1 } } }])
    .toArray()
  for (const { _id, count } of groups) counts.set(toInstant(_id) ?? 0, Number(count))
  return counts
}

/** The rollups of `[from, to)`, by day; a day without one is missing. */
export async function readRollups(context: Context, from: Instant, to: Instant): Promise<Map<Instant, DayRollup>> {
  const documents = await collectionOf(context, 'kpi_rollups')
    .find({ _id: { $gte: new Date(from), $lt: new Date(to) } })
    .toArray()
  const rollups = new Map<Instant, DayRollup>()
  for (const document of documents) {
    const day = toInstant(document._id)
    const rolledAt = toInstant(document.rolled_at)
    if (day === null || rolledAt === null) continue
    rollups.set(day, {
      day,
      rolledAt,
      futureEvents: Number(document.future_events ?? 0),
      unknownUsers: Number(document.unknown_users ?? 0),
    })
  }
  return rollups
}

/** Consecutive days of `days`, as half-open ranges of at most `longest` days. */
export function toRanges(days: readonly Instant[], longest: number): { from: Instant; to: Instant }[] {
  const ranges: { from: Instant; to: Instant }[] = []
  for (const day of [...new Set(days.map(startOfDay))].sort((a, b) => a - b)) {
    const last = ranges[ranges.length - 1]
    if (last !== undefined && last.to === day && day - last.from < longest * dayMs) last.to = day + dayMs
    else ranges.push({ from: day, to: day + dayMs })
  }
  return ranges
}
