import type { Instant } from '../../domain/instant.ts'
import { computeTotalUsers, type RegisteredUser } from '../../domain/kpi/total-users.ts'
import type { Context } from '../../runtime/context.ts'
import { isArray } from './broken-dates.ts'
import { rawCollectionOf, readAll } from './database.ts'
import { keyOf, toInstant } from './values.ts'

/** Accounts that no metric counts; few, so they are read once and left out by id. */
export interface TestUsers {
  readonly keys: ReadonlySet<string>
  readonly ids: readonly unknown[]
  readonly users: readonly RegisteredUser[]
  /** Users whose flag is a text, a number or a list: only `true` makes a test account, the others are counted in. */
  readonly invalidFlags: number
}

/** Counted up to here, as broken dates are. */
const mostCounted = 1_000

export async function readTestUsers(context: Context): Promise<TestUsers> {
  const collection = rawCollectionOf(context, 'users')
  const flagged = await readAll(collection, { is_test: true }, { _id: 1, is_test: 1, created_at: 1, deleted_at: 1 })
  const documents = flagged.filter(({ is_test }) => is_test === true)
  const invalid = new Set(flagged.filter(({ is_test }) => is_test !== true).map(({ _id }) => keyOf(_id)))
  for (const least of ['', Number.NEGATIVE_INFINITY])
    for (const { _id } of await collection
      .find({ is_test: { $gte: least } }, { _id: 1 })
      .limit(mostCounted)
      .toArray())
      invalid.add(keyOf(_id))
  const keys = new Set<string>()
  for (const { _id } of documents) {
    const key = keyOf(_id)
    if (key !== null) keys.add(key)
  }
  return {
    keys,
    ids: documents.map(({ _id }) => _id),
    invalidFlags: invalid.size,
    users: documents.map(({ created_at, deleted_at }) => ({
      createdAt: toInstant(created_at),
      deletedAt: toInstant(deleted_at),
    })),
  }
}

export async function countUsers(context: Context, asOf: Instant, testUsers: TestUsers): Promise<number> {
  const created = await countCreated(context, asOf)
  return computeTotalUsers(created, await countDeleted(context, asOf), testUsers.users, asOf)
}

/** Users of `countCreated` with a date of deletion before `asOf`. */
export async function countDeleted(context: Context, asOf: Instant): Promise<number> {
  const users = rawCollectionOf(context, 'users')
  const before = { $lt: new Date(asOf) }
  // $exists as the index on it has it: not every server concludes that what is before a date exists.
  const deleted = await users.count({ deleted_at: { $exists: true, ...before }, created_at: before })
  // Ranges find arrays too: those who did not register cannot leave, and an array does not end a registration.
  const neverCame = await users.count({ created_at: { ...isArray, ...before }, deleted_at: before })
  const neverLeft = await users.count({
    deleted_at: { ...isArray, ...before },
    created_at: { ...before, $not: { $type: 'array' } },
  })
  return deleted - neverCame - neverLeft
}

/** Users with a date of registration before `asOf`, and not an array that holds one. */
export async function countCreated(context: Context, asOf: Instant): Promise<number> {
  const users = rawCollectionOf(context, 'users')
  const before = { $lt: new Date(asOf) }
  return (await users.count({ created_at: before })) - (await users.count({ created_at: { ...isArray, ...before } }))
}

/** Those of `ids` that `users` does not hold, by key. */
export async function findUnknownUsers(context: Context, ids: ReadonlyMap<string, unknown>): Promise<Set<string>> {
  const unknown = new Set(ids.keys())
  const users = rawCollectionOf(context, 'users')
  const entries = [...ids.values()]
  const batch = 5_000
  for (let from = 0; from < entries.length; from += batch) {
    const found = await users.find({ _id: { $in: entries.slice(from, from + batch) } }, { _id: 1 }).toArray()
    for (const { _id } of found) unknown.delete(keyOf(_id) ?? '')
  }
  return unknown
}
