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
import { readExpiredDays } from './expired-days.ts'
import { findUnknownUsers } from './read-users.ts'
import { narrowRepair, noteRepair, type Repair } from './repairs.ts'
import { isDuplicateKey, upserting } from './retry.ts'
import { keyOf, toInstant } from './values.ts'

/** A document of `kpi_rollups`: what the last rollup of one day saw. */
export interface DayRollup {
  readonly day: Instant
  /** When its events were read: what arrives later makes the day late. */
  readonly rolledAt: Instant
  readonly futureEvents: number
  readonly unknownUsers: number
}

export interface RollupResult {
  /** People counted, once for each day; `most` for a day that has as many or more. */
  readonly people: number
  /** What this call changed, and left noted. */
  readonly repairs: readonly Repair[]
}

/**
 * Brings `user_activity_daily` in line with the events of the days of `[from, to)`, and `kpi_rollups` with them. Running
 * it twice, or in two places at once, ends in the same state (spec: KPIs 8.3). Where it changes a day that was rolled up
 * before, a repair is noted: there may be snapshots that count the people found then.
 */
export async function rollUpDays(
  context: Context,
  from: Instant,
  to: Instant,
  config: KpiConfig,
  now: Date,
  most: number = peopleAtOnce,
): Promise<RollupResult> {
  const run = `${now.toISOString()}-${Math.random().toString(36).slice(2, 10)}`
  const counted = await countPeople(context, from, to, config, most)
  if (counted === null && to - from > dayMs) {
    const middle = from + Math.ceil((to - from) / dayMs / 2) * dayMs
    const before = await rollUpDays(context, from, middle, config, now, most)
    const after = await rollUpDays(context, middle, to, config, now, most)
    return { people: before.people + after.people, repairs: [...before.repairs, ...after.repairs] }
  }
  const kept = await readExpiredDays(context, from, to)
  const noted: Repair[] = []
  const onChange = async (days: readonly Instant[]): Promise<void> => {
    const added = days.filter((day) => !noted.some((repair) => repair.days.includes(day)))
    if (added.length > 0) noted.push(await noteRepair(context, { days: added }))
  }
  if (
    counted !== null &&
    (await storePeople(context, from, to, counted.people, { config, run, most, kept, onChange }))
  ) {
    const unknown = await countUnknown(context, counted.people)
    const repairs = await recordRollups(context, from, to, now, { ...counted, unknown, kept }, noted)
    return { people: [...counted.people.values()].reduce((sum, { ids }) => sum + ids.length, 0), repairs }
  }
  // What the server merges by itself is not seen before it is there.
  const merged = await noteRepair(context, { days: daysOf(from, to) })
  if (await mergePeople(context, from, to, { config, run, kept })) noted.push(merged)
  else await narrowRepair(context, merged, [])
  const unknown = await countUnknownByDay(context, { $gte: new Date(from), $lt: new Date(to) })
  const futureEvents = await countFutureByDay(context, from, to)
  return { people: most, repairs: await recordRollups(context, from, to, now, { futureEvents, unknown, kept }, noted) }
}

/**
 * Records what the days of `[from, to)` said. Snapshots count the people of recorded days only: what was noted about a
 * day that had no record until now is struck out, unless another run recorded the same day meanwhile.
 */
async function recordRollups(
  context: Context,
  from: Instant,
  to: Instant,
  now: Date,
  counted: {
    futureEvents: ReadonlyMap<Instant, number>
    unknown: ReadonlyMap<Instant, number>
    kept: ReadonlySet<Instant>
  },
  noted: readonly Repair[],
): Promise<Repair[]> {
  const rollups = collectionOf(context, 'kpi_rollups')
  const days = daysOf(from, to)
  const countsOf = (day: Instant): Document => ({
    future_events: counted.futureEvents.get(day) ?? 0,
    unknown_users: counted.unknown.get(day) ?? 0,
  })
  const known = noted.length === 0 ? null : await readRollups(context, from, to)
  let repairs = [...noted]
  let rest = days
  if (known !== null) {
    const fresh = days.filter((day) => !known.has(day))
    try {
      if (fresh.length > 0)
        await rollups.insertMany(fresh.map((day) => ({ _id: new Date(day), rolled_at: now, ...countsOf(day) })))
      rest = days.filter((day) => known.has(day))
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
    }
    const again = rest
    const narrowed = noted.map((repair) =>
      narrowRepair(
        context,
        repair,
        repair.days.filter((day) => again.includes(day)),
      ),
    )
    repairs = (await Promise.all(narrowed)).filter((repair) => repair !== null)
  }
  const operations = rest.map((day) => ({
    updateOne: {
      filter: { _id: new Date(day) },
      update: counted.kept.has(day)
        ? { $set: { rolled_at: now }, $max: countsOf(day) }
        : { $set: { rolled_at: now, ...countsOf(day) } },
      upsert: true,
    },
  }))
  if (operations.length > 0) await upserting(() => rollups.bulkWrite(operations, { ordered: false }))
  return repairs
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

/**
 * Consecutive days of `days`, as half-open ranges of at most `longest` days.
 *
 * @param gap days between two of them that one range may bridge
 */
export function toRanges(days: readonly Instant[], longest: number, gap = 0): { from: Instant; to: Instant }[] {
  const ranges: { from: Instant; to: Instant }[] = []
  for (const day of [...new Set(days.map(startOfDay))].sort((a, b) => a - b)) {
    const last = ranges[ranges.length - 1]
    if (last !== undefined && day <= last.to + gap * dayMs && day - last.from < longest * dayMs) last.to = day + dayMs
    else ranges.push({ from: day, to: day + dayMs })
  }
  return ranges
}

/** A range costs some ten operations of the 1000 that a function has, whatever its length. */
const mostRanges = 30

/** The same for days that lie scattered: a few long ranges rather than many short ones. */
export function fewRanges(days: readonly Instant[]): { from: Instant; to: Instant }[] {
  const exact = toRanges(days, 31)
  return exact.length <= mostRanges ? exact : toRanges(days, 183, 183)
}
