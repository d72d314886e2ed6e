import type { Document } from 'bson'
import { dayMs, type Instant, startOfDay } from '../../domain/instant.ts'
import type { KpiConfig } from '../../domain/kpi/config.ts'
import type { Context } from '../../runtime/context.ts'
import {
  countFutureByDay,
  countPeople,
  type DayPeople,
  daysOf,
  mergePeople,
  peopleAtOnce,
  storePeople,
} from './daily-people.ts'
import { collectionOf, queryCap, readGroups } from './database.ts'
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

/**
 * Brings `user_activity_daily` in line with the events of the days of `[from, to)`, and `kpi_rollups` with them. Running
 * it twice, or in two places at once, ends in the same state (spec: KPIs 8.3).
 *
 * @returns people counted, once for each day; `most` for a day that has as many or more
 */
export async function rollUpDays(
  context: Context,
  from: Instant,
  to: Instant,
  config: KpiConfig,
  now: Date,
  most: number = peopleAtOnce,
): Promise<number> {
  const run = `${now.toISOString()}-${Math.random().toString(36).slice(2, 10)}`
  const counted = await countPeople(context, from, to, config, most)
  if (counted === null && to - from > dayMs) {
    const middle = from + Math.ceil((to - from) / dayMs / 2) * dayMs
    const before = await rollUpDays(context, from, middle, config, now, most)
    return before + (await rollUpDays(context, middle, to, config, now, most))
  }
  if (counted !== null && (await storePeople(context, from, to, counted.people, { config, run, most }))) {
    const unknown = await countUnknown(context, counted.people)
    await recordRollups(context, from, to, now, counted.futureEvents, unknown)
    return [...counted.people.values()].reduce((sum, { ids }) => sum + ids.length, 0)
  }
  await upserting(() => mergePeople(context, from, to, { config, run }))
  const unknown = await countUnknownByDay(context, { $gte: new Date(from), $lt: new Date(to) })
  await recordRollups(context, from, to, now, await countFutureByDay(context, from, to), unknown)
  return most
}

async function recordRollups(
  context: Context,
  from: Instant,
  to: Instant,
  now: Date,
  futureEvents: ReadonlyMap<Instant, number>,
  unknownUsers: ReadonlyMap<Instant, number>,
): Promise<void> {
  const operations = daysOf(from, to).map((day) => ({
    updateOne: {
      filter: { _id: new Date(day) },
      update: {
        $set: {
          rolled_at: now,
          future_events: futureEvents.get(day) ?? 0,
          unknown_users: unknownUsers.get(day) ?? 0,
        },
      },
      upsert: true,
    },
  }))
  if (operations.length > 0)
    await upserting(() => collectionOf(context, 'kpi_rollups').bulkWrite(operations, { ordered: false }))
}

/** People of each day whom `users` does not hold. */
async function countUnknown(context: Context, people: ReadonlyMap<Instant, DayPeople>): Promise<Map<Instant, number>> {
  const ids = new Map<string, unknown>()
  for (const day of people.values()) for (const id of day.ids) ids.set(keyOf(id) ?? '', id)
  const unknown = await findUnknownUsers(context, ids)
  return new Map(
    [...people].map(([day, own]) => [day, own.ids.filter((id) => unknown.has(keyOf(id) ?? '')).length] as const),
  )
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
