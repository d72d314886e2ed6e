import { type Instant, startOfDay } from '../../domain/instant.ts'
import type { Context } from '../../runtime/context.ts'
import { collectionOf, readGroups } from './database.ts'
import type { TestUsers } from './read-users.ts'
import { toInstant } from './values.ts'

/** How many subscriptions still say active although they have ended, as of each of ascending midnights. */
export async function readExpiredCounts(
  context: Context,
  dates: readonly Instant[],
  testUsers: TestUsers,
): Promise<Map<Instant, number>> {
  const last = dates[dates.length - 1] ?? 0
  const groups = await readGroups(collectionOf(context, 'subscription_segments'), [
    {
      $match: {
        status: { $in: ['expired', 'expired_resolved'] },
        to: { $lt: new Date(last) },
        ...(testUsers.ids.length > 0 ? { u: { $nin: [...testUsers.ids] } } : {}),
      },
    },
    { $group: { _id: { status: '$status', to: '$to' }, count: { $sum: 1 } } },
  ])
  const changes = groups
    .map(({ _id, count }) => ({
      day: startOfDay(toInstant(_id.to) ?? 0),
      change: _id.status === 'expired' ? Number(count) : -Number(count),
    }))
    .sort((a, b) => a.day - b.day)
  const result = new Map<Instant, number>()
  let [index, expired] = [0, 0]
  for (const asOf of dates) {
    for (; index < changes.length && (changes[index]?.day ?? 0) < asOf; index++) expired += changes[index]?.change ?? 0
    result.set(asOf, expired)
  }
  return result
}
