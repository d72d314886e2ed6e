import { dayMs, type Instant, startOfMonthAfter } from '../../domain/instant.ts'
import { type ActiveUsers, countActiveUsers, monthWindowMs } from '../../domain/kpi/active-users.ts'
import type { KpiConfig } from '../../domain/kpi/config.ts'
import type { Context } from '../../runtime/context.ts'
import { isFutureEvent, matchActivity, matchEvents } from './activity-pipeline.ts'
import { earliestDate } from './broken-dates.ts'
import { rawCollectionOf, readGroups } from './database.ts'
import { readExpiredPeople } from './expired-days.ts'
import type { TestUsers } from './read-users.ts'
import { keyOf, toInstant } from './values.ts'

export interface RawActivity {
  readonly activity: ActiveUsers
  /** Who was active in the day that ends at T. */
  readonly usersOfDay: ReadonlyMap<string, unknown>
}

/**
 * Reads the 30 days before `asOf` from the events themselves; `asOf` need not be a midnight. Of days whose events have
 * expired, from their rollups.
 */
export async function readRawActivity(
  context: Context,
  asOf: Instant,
  config: KpiConfig,
  testUsers: TestUsers,
): Promise<RawActivity> {
  const from = asOf - monthWindowMs
  const day = { $floor: { $divide: [{ $subtract: ['$timestamp', new Date(from)] }, dayMs] } }
  const groups = await readGroups(rawCollectionOf(context, 'analytics_events'), [
    ...matchActivity(from, asOf, config, testUsers.ids),
    { $group: { _id: { u: '$user_id', day } } },
    { $group: { _id: '$_id.u', last: { $max: '$_id.day' }, days: { $sum: 1 } } },
  ])
  const expired = await readExpiredPeople(context, from, asOf, testUsers.keys)
  if (expired.size > 0) return joinExpired(context, from, asOf, expired, config, testUsers)
  const users = groups.map(({ _id, last, days }) => ({ id: _id, last: Number(last), days: Number(days) }))
  const usersOfDay = new Map<string, unknown>()
  for (const { id, last } of users) if (last === 29) usersOfDay.set(keyOf(id) ?? '', id)
  return { activity: countActiveUsers(users), usersOfDay }
}

async function joinExpired(
  context: Context,
  from: Instant,
  asOf: Instant,
  expired: ReadonlyMap<Instant, readonly string[]>,
  config: KpiConfig,
  testUsers: TestUsers,
): Promise<RawActivity> {
  const window = new Map<number, Set<string>>()
  const usersOfDay = new Map<string, unknown>()
  const dayOf = (instant: Instant): number => Math.floor((instant - from) / dayMs)
  for (let start = from; start < asOf; start += dayMs) {
    const groups = await readGroups(rawCollectionOf(context, 'analytics_events'), [
      ...matchActivity(start, start + dayMs, config, testUsers.ids),
      { $group: { _id: '$user_id' } },
    ])
    window.set(dayOf(start), new Set(groups.map(({ _id }) => keyOf(_id) ?? '')))
    if (start + dayMs === asOf) for (const { _id } of groups) usersOfDay.set(keyOf(_id) ?? '', _id)
  }
  for (const [day, people] of expired) for (const user of people) window.get(dayOf(day))?.add(user)
  const users = new Map<string, { last: number; days: number }>()
  for (const [day, people] of [...window].sort(([a], [b]) => a - b))
    for (const user of people) users.set(user, { last: day, days: (users.get(user)?.days ?? 0) + 1 })
  return { activity: countActiveUsers(users.values()), usersOfDay }
}

/** Events of `[from, to)` that were left out because their clock ran ahead. */
export async function countFutureEvents(context: Context, from: Instant, to: Instant): Promise<number> {
  const groups = await rawCollectionOf(context, 'analytics_events')
    .aggregate([
      ...matchEvents(from, to),
      { $match: { $expr: isFutureEvent } },
      { $group: { _id: null, count: { $sum: 1 } } },
    ])
    .toArray()
  return Number(groups[0]?.count ?? 0)
}

/** The instant of the first event before `before`; null without any. */
async function readFirstEvent(context: Context, before: Instant): Promise<Instant | null> {
  const first = await rawCollectionOf(context, 'analytics_events')
    .find({ timestamp: { $gte: earliestDate, $lt: new Date(before) } }, { _id: 0, timestamp: 1 })
    .sort({ timestamp: 1 })
    .limit(1)
    .toArray()
  return toInstant(first[0]?.timestamp)
}

/**
 * Those of ascending `dates` that no event precedes. Whoever was active within the month before a date is proof enough,
 * so that the events are asked about quiet dates only: not every server finds the first event without reading all.
 */
export async function findDatesBeforeFirstEvent(
  context: Context,
  dates: readonly Instant[],
  activity: ReadonlyMap<Instant, ActiveUsers>,
): Promise<Set<Instant>> {
  const quiet = dates.filter((asOf) => (activity.get(asOf)?.mau ?? 0) === 0)
  const last = quiet[quiet.length - 1]
  if (last === undefined) return new Set()
  const first = await readFirstEvent(context, last)
  return new Set(quiet.filter((asOf) => first === null || asOf <= first))
}

/** The people active in each month up to `asOf`, keyed by the first of the month. */
export async function readUsersByMonth(
  context: Context,
  asOf: Instant,
  config: KpiConfig,
  testUsers: TestUsers,
): Promise<Map<Instant, string[]>> {
  const months = new Map<Instant, string[]>()
  const earliest = await readFirstEvent(context, asOf)
  const expired = await readExpiredPeople(context, earliestDate.getTime(), asOf, testUsers.keys)
  const first = Math.min(earliest ?? asOf, ...expired.keys())
  for (let month = startOfMonthAfter(first, 0); month < asOf; month = startOfMonthAfter(month, 1)) {
    const groups = await readGroups(rawCollectionOf(context, 'analytics_events'), [
      ...matchActivity(month, Math.min(asOf, startOfMonthAfter(month, 1)), config, testUsers.ids),
      { $group: { _id: '$user_id' } },
    ])
    const end = startOfMonthAfter(month, 1)
    const users = new Set(groups.map(({ _id }) => keyOf(_id) ?? ''))
    for (const [day, people] of expired) if (month <= day && day < end) for (const user of people) users.add(user)
    if (users.size > 0) months.set(month, [...users])
  }
  return months
}
