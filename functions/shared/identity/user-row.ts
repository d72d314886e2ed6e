import type { Document } from 'bson'
import { isRole, type Role } from '../../../domain/identity/role.ts'
import type { Context } from '../../../runtime/context.ts'
import { collectionOf } from '../database.ts'
import { upserting } from '../retry.ts'

/** The facts that are stored with the time since when they are true, under `auth0_at`. */
export type Fact = 'email' | 'email_verified' | 'display_name' | 'connection' | 'status'

/** What the identity functions read of a row of `users`. */
export interface UserRow extends Document {
  _id: unknown
  auth0_id: string
  email?: string
  email_verified?: boolean
  role?: string
  /** The role that the rules gave last; a row whose `role` differs was changed by an admin. */
  role_assigned?: string
  is_active?: boolean
  created_at?: Date
  last_login?: Date
  deleted_at?: Date
  deleted_by?: string
  inactive_by?: string
  updated_at?: Date
  /** Accounts that Auth0 has linked to this one, by their former id. */
  identities?: { user_id: string }[]
  /** Since when each stored fact is true. */
  auth0_at?: { [fact in Fact | 'account']?: Date }
  organisations?: string[]
  organisation_roles?: Record<string, string>
}

/** The rows of people, by any of the ids that Auth0 knows of them: accounts may have been linked. */
export async function findUsers(context: Context, ids: readonly string[]): Promise<Map<string, UserRow>> {
  const rows = await collectionOf<UserRow>(context, 'users')
    .find({ $or: [{ auth0_id: { $in: ids } }, { 'identities.user_id': { $in: ids } }] })
    .toArray()
  const wanted = new Set(ids)
  const found = new Map<string, UserRow>()
  for (const row of rows)
    for (const { user_id } of row.identities ?? []) if (wanted.has(user_id)) found.set(user_id, row)
  // An account with a row of its own is its own, whatever another row says of it.
  for (const row of rows) if (wanted.has(row.auth0_id)) found.set(row.auth0_id, row)
  return found
}

export async function findUser(context: Context, auth0_id: string): Promise<UserRow | undefined> {
  return (await findUsers(context, [auth0_id])).get(auth0_id)
}

/** A trace of a change that decides what somebody may do. */
export interface AuditEntry extends Document {
  /** Names the change, so that it is traced once. */
  _id: string
}

export async function recordAudit(context: Context, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length === 0) return
  const inserts = entries.map(({ _id, ...entry }) => ({
    updateOne: { filter: { _id }, update: { $setOnInsert: entry }, upsert: true },
  }))
  await upserting(() => collectionOf(context, 'audit_events').bulkWrite(inserts, { ordered: false }))
}

/**
 * Moves the role along with the rules, but never one that an admin has set: that is a role which differs from the one
 * the rules gave last, or one that no rule gave.
 */
export async function followRules(
  context: Context,
  row: UserRow,
  role: Role,
  eventId: string,
  now: Date,
): Promise<void> {
  if (!isRole(row.role_assigned) || row.role !== row.role_assigned || row.role === role) return
  // Compared and set in one step: an admin who edits the row meanwhile wins.
  const changed = await collectionOf<UserRow>(context, 'users').updateOne(
    { _id: row._id, role: row.role, role_assigned: row.role_assigned },
    { $set: { role, role_assigned: role, updated_at: now } },
  )
  if (changed.modifiedCount !== 1) return
  const entry = { action: 'role_changed', subject: row.auth0_id, from: row.role, to: role }
  await recordAudit(context, [{ _id: `role_changed:${eventId}`, ...entry, reason: 'auth0_rules', at: now }])
}
