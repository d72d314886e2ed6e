import { dayMs, type Instant } from '../../domain/instant.ts'
import type { Context } from '../../runtime/context.ts'
import { collectionOf, readGroups } from './database.ts'
import { keyOf, toInstant } from './values.ts'

/**
 * Days of `[from, to)` whose raw events expire or have expired. What was rolled up is all that remains of them: their
 * people stay, whatever the events say now, and are read from there.
 */
export async function readExpiredDays(context: Context, from: Instant, to: Instant): Promise<Set<Instant>> {
  const documents = await collectionOf(context, 'kpi_rollups')
    .find({ _id: { $gte: new Date(from), $lt: new Date(to) }, events_expire: true }, { _id: 1 })
    .toArray()
  return new Set(documents.flatMap(({ _id }) => toInstant(_id) ?? []))
}

/** Who was active on which of the expired days that lie wholly in `[from, to)`; a day with nobody is missing. */
export async function readExpiredPeople(
  context: Context,
  from: Instant,
  to: Instant,
  excludedUsers: ReadonlySet<string>,
): Promise<Map<Instant, string[]>> {
  const days = await readExpiredDays(context, from, to - dayMs + 1)
  const people = new Map<Instant, string[]>()
  if (days.size === 0) return people
  const documents = await readGroups(collectionOf(context, 'user_activity_daily'), [
    { $match: { d: { $in: [...days].map((day) => new Date(day)) } } },
    { $project: { _id: 1, d: 1, u: 1 } },
  ])
  for (const { d, u } of documents) {
    const [day, user] = [toInstant(d), keyOf(u)]
    if (day === null || user === null || excludedUsers.has(user)) continue
    const known = people.get(day)
    if (known === undefined) people.set(day, [user])
    else known.push(user)
  }
  return people
}
