import { type Instant, startOfDay } from '../../domain/instant.ts'
import type { Context } from '../../runtime/context.ts'
import { collectionOf, readGroups } from './database.ts'
import type { TestUsers } from './read-users.ts'
import { toInstant } from './values.ts'

/** What the marks among the segments say: states that outlived their end, and rows that were left out. */
export interface MarkCounts {
  /** Subscriptions that still say active although they have ended, by snapshot date. */
  readonly expired: ReadonlyMap<Instant, number>
  readonly invalidRows: number
  readonly duplicateRows: number
}

/** Counts the marks as of each of ascending midnights; an index range of marks, not of segments. */
export async function readMarkCounts(
  context: Context,
  dates: readonly Instant[],
  testUsers: TestUsers,
): Promise<MarkCounts> {
  const last = dates[dates.length - 1] ?? 0
  const groups = await readGroups(collectionOf(context, 'subscription_segments'), [
    {
      $match: {
        status: { $in: ['expired', 'expired_resolved', 'invalid', 'duplicate'] },
        to: { $lt: new Date(last) },
        ...(testUsers.ids.length > 0 ? { u: { $nin: [...testUsers.ids] } } : {}),
      },
    },
    { $group: { _id: { status: '$status', to: '$to' }, count: { $sum: 1 } } },
  ])
  const marks = groups.map(({ _id, count }) => ({
    status: String(_id.status),
    day: startOfDay(toInstant(_id.to) ?? 0),
    count: Number(count),
  }))
  const total = (status: string): number =>
    marks.filter((mark) => mark.status === status).reduce((sum, mark) => sum + mark.count, 0)
  const changes = marks
    .filter(({ status }) => status.startsWith('expired'))
    .map(({ status, day, count }) => ({ day, change: status === 'expired' ? count : -count }))
    .sort((a, b) => a.day - b.day)
  const expired = new Map<Instant, number>()
  let [index, current] = [0, 0]
  for (const asOf of dates) {
    for (; index < changes.length && (changes[index]?.day ?? 0) < asOf; index++) current += changes[index]?.change ?? 0
    expired.set(asOf, current)
  }
  return { expired, invalidRows: total('invalid'), duplicateRows: total('duplicate') }
}
