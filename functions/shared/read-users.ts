import type { Instant } from '../../domain/instant.ts'
import { computeTotalUsers, type RegisteredUser } from '../../domain/kpi/total-users.ts'
import type { Context } from '../../runtime/context.ts'
import { rawCollectionOf, readAll } from './database.ts'
import { keyOf, toInstant } from './values.ts'

/** Accounts that no metric counts; few, so they are read once and left out by id. */
export interface TestUsers {
  readonly keys: ReadonlySet<string>
  readonly ids: readonly unknown[]
  readonly users: readonly RegisteredUser[]
}

export async function readTestUsers(context: Context): Promise<TestUsers> {
  const documents = await readAll(
    rawCollectionOf(context, 'users'),
    { is_test: true },
    { _id: 1, created_at: 1, deleted_at: 1 },
  )
  const keys = new Set<string>()
  for (const { _id } of documents) {
    const key = keyOf(_id)
    if (key !== null) keys.add(key)
  }
  return {
    keys,
    ids: documents.map(({ _id }) => _id),
    users: documents.map(({ created_at, deleted_at }) => ({
      createdAt: toInstant(created_at),
      deletedAt: toInstant(deleted_at),
    })),
  }
}

export async function countUsers(context: Context, asOf: Instant, testUsers: TestUsers): Promise<number> {
  const users = rawCollectionOf(context, 'users')
  const before = { $lt: new Date(asOf) }
  const created = await users.count({ created_at: before })
  // $exists as the index on it has it: not every server concludes that what is before a date exists.
  const deleted = await users.count({ deleted_at: { $exists: true, ...before }, created_at: before })
  return computeTotalUsers(created, deleted, testUsers.users, asOf)
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
