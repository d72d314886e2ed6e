import { dayMs, type Instant } from '../../domain/instant.ts'
import { type ActiveUsers, monthWindowMs } from '../../domain/kpi/active-users.ts'
import { ActivityWindow } from '../../domain/kpi/activity-window.ts'
import type { Context } from '../../runtime/context.ts'
import { nextSpan } from './daily-people.ts'
import { collectionOf } from './database.ts'
import type { TestUsers } from './read-users.ts'
import { keyOf, toInstant } from './values.ts'

/** Days whose people are fetched first when a window slides over many snapshots. */
const firstSpan = 20

/**
 * `dau`, `wau`, `mau` of ascending midnights from `user_activity_daily`: one grouping for a single snapshot; for many,
 * each day's people are read once and the window slides over them.
 */
export async function readDerivedActivity(
  context: Context,
  dates: readonly Instant[],
  testUsers: TestUsers,
): Promise<Map<Instant, ActiveUsers>> {
  const only = dates.length === 1 ? dates[0] : undefined
  if (only !== undefined) return new Map([[only, await readOne(context, only, testUsers)]])
  return readMany(context, dates, testUsers)
}

async function readOne(context: Context, asOf: Instant, testUsers: TestUsers): Promise<ActiveUsers> {
  const groups = await collectionOf(context, 'user_activity_daily')
    .aggregate(
      [
        {
          $match: {
            d: { $gte: new Date(asOf - monthWindowMs), $lt: new Date(asOf) },
            ...(testUsers.ids.length > 0 ? { u: { $nin: [...testUsers.ids] } } : {}),
          },
        },
        { $group: { _id: '$u', last: { $max: '$d' }, days: { $sum: 1 } } },
        {
          $group: {
            _id: null,
            dau: { $sum: { $cond: [{ $gte: ['$last', new Date(asOf - dayMs)] }, 1, 0] } },
            wau: { $sum: { $cond: [{ $gte: ['$last', new Date(asOf - 7 * dayMs)] }, 1, 0] } },
            mau: { $sum: 1 },
            days: { $sum: '$days' },
          },
        },
      ],
      { allowDiskUse: true },
    )
    .toArray()
  const sums = groups[0]
  return {
    dau: Number(sums?.dau ?? 0),
    wau: Number(sums?.wau ?? 0),
    mau: Number(sums?.mau ?? 0),
    userDays: Number(sums?.days ?? 0),
  }
}

async function readMany(
  context: Context,
  dates: readonly Instant[],
  testUsers: TestUsers,
): Promise<Map<Instant, ActiveUsers>> {
  const wanted = new Set(dates)
  const first = Math.min(...dates)
  const last = Math.max(...dates)
  const result = new Map<Instant, ActiveUsers>()
  const window = new ActivityWindow()
  let span = firstSpan
  for (let from = first - monthWindowMs, to = from; from < last; from = to) {
    to = Math.min(last, from + span * dayMs)
    let people = 0
    const groups = await collectionOf(context, 'user_activity_daily')
      .aggregate(
        [
          { $match: { d: { $gte: new Date(from), $lt: new Date(to) } } },
          { $group: { _id: '$d', users: { $push: '$u' } } },
        ],
        { allowDiskUse: true },
      )
      .toArray()
    const usersByDay = new Map(groups.map(({ _id, users }) => [toInstant(_id) ?? 0, users as unknown[]]))
    for (let day = from; day < to; day += dayMs) {
      const keys: string[] = []
      for (const id of usersByDay.get(day) ?? []) {
        people += 1
        const key = keyOf(id)
        if (key !== null && !testUsers.keys.has(key)) keys.push(key)
      }
      window.addDay(day, keys)
      if (wanted.has(day + dayMs)) result.set(day + dayMs, window.counts())
    }
    span = nextSpan((to - from) / dayMs, people)
  }
  return result
}
