import { dayMs, type Instant, startOfMonthAfter } from '../../domain/instant.ts'
import { type ActiveUsers, countActiveUsers, monthWindowMs } from '../../domain/kpi/active-users.ts'
import type { KpiConfig } from '../../domain/kpi/config.ts'
import type { Context } from '../../runtime/context.ts'
import { isFutureEvent, matchActivity } from './activity-pipeline.ts'
import { rawCollectionOf, readGroups } from './database.ts'
import type { TestUsers } from './read-users.ts'
import { keyOf, toInstant } from './values.ts'

export interface RawActivity {
  readonly activity: ActiveUsers
  /** Who was active in the day that ends at T. */
  readonly usersOfDay: ReadonlyMap<string, unknown>
}

/** Reads the 30 days before `asOf` from the events themselves; `asOf` need not be a midnight. */
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
  const users = groups.map(({ _id, last, days }) => ({ id: _id, last: Number(last), days: Number(days) }))
  const usersOfDay = new Map<string, unknown>()
  for (const { id, last } of users) if (last === 29) usersOfDay.set(keyOf(id) ?? '', id)
  return { activity: countActiveUsers(users), usersOfDay }
}

/** Events of `[from, to)` that were left out because their clock ran ahead. */
export async function countFutureEvents(context: Context, from: Instant, to: Instant): Promise<number> {
  const groups = await rawCollectionOf(context, 'analytics_events')
    .aggregate([
      { $match: { timestamp: { $gte: new Date(from), $lt: new Date(to) } } },
      { $match: { $expr: isFutureEvent } },
      { $group: { _id: null, count: { $sum: 1 } } },
    ])
    .toArray()
  return Number(groups[0]?.count ?? 0)
}

/** The instant of the first event; null without any. */
export async function readFirstEvent(context: Context): Promise<Instant | null> {
  const first = await rawCollectionOf(context, 'analytics_events')
    .find({ timestamp: { $gt: new Date(-8.64e15) } }, { _id: 0, timestamp: 1 })
    .sort({ timestamp: 1 })
    .limit(1)
    .toArray()
  return toInstant(first[0]?.timestamp)
}

/** The people active in each month up to `asOf`, keyed by the first of the month. */
export async function readUsersByMonth(
  context: Context,
  asOf: Instant,
  config: KpiConfig,
  testUsers: TestUsers,
): Promise<Map<Instant, string[]>> {
  const months = new Map<Instant, string[]>()
  const first = await readFirstEvent(context)
  if (first === null) return months
  for (let month = startOfMonthAfter(first, 0); month < asOf; month = startOfMonthAfter(month, 1)) {
    const groups = await readGroups(rawCollectionOf(context, 'analytics_events'), [
      ...matchActivity(month, Math.min(asOf, startOfMonthAfter(month, 1)), config, testUsers.ids),
      { $group: { _id: '$user_id' } },
    ])
    if (groups.length > 0)
      months.set(
        month,
        groups.map(({ _id }) => keyOf(_id) ?? ''),
      )
  }
  return months
}
