import { type Instant, startOfDay } from '../../domain/instant.ts'
import { computeTotalUsers } from '../../domain/kpi/total-users.ts'
import type { Context } from '../../runtime/context.ts'
import { rawCollectionOf, readAll } from './database.ts'
import { countCreated, countUsers, type TestUsers } from './read-users.ts'
import { toInstant } from './values.ts'

/** `total_users` of ascending midnights: one count, then the registrations and deletions in between. */
export async function readUserCounts(
  context: Context,
  dates: readonly Instant[],
  testUsers: TestUsers,
): Promise<Map<Instant, number>> {
  const first = dates[0]
  const last = dates[dates.length - 1]
  const result = new Map<Instant, number>()
  if (first === undefined || last === undefined) return result
  if (dates.length === 1) return new Map([[first, await countUsers(context, first, testUsers)]])
  const users = rawCollectionOf(context, 'users')
  let created = await countCreated(context, first)
  const arrivals = await readAll(
    users,
    { created_at: { $gte: new Date(first), $lt: new Date(last) } },
    { _id: 1, created_at: 1 },
  )
  const departures = await readAll(
    users,
    { deleted_at: { $exists: true, $lt: new Date(last) } },
    { _id: 1, created_at: 1, deleted_at: 1 },
  )
  const createdOn = countByDay(arrivals.map((user) => toInstant(user.created_at)))
  const left = departures
    .map((user) => ({ createdAt: toInstant(user.created_at), deletedAt: toInstant(user.deleted_at) }))
    .filter((user) => user.createdAt !== null && user.deletedAt !== null)
  let day = first
  for (const asOf of dates) {
    for (; day < asOf; day += 86_400_000) created += createdOn.get(day) ?? 0
    const deleted = left.filter((user) => (user.createdAt ?? 0) < asOf && (user.deletedAt ?? 0) < asOf).length
    result.set(asOf, computeTotalUsers(created, deleted, testUsers.users, asOf))
  }
  return result
}

function countByDay(instants: readonly (Instant | null)[]): Map<Instant, number> {
  const counts = new Map<Instant, number>()
  for (const instant of instants) {
    if (instant === null) continue
    const day = startOfDay(instant)
    counts.set(day, (counts.get(day) ?? 0) + 1)
  }
  return counts
}
