import type { Document } from 'bson'
import { isRole, type Role } from '../../../domain/identity/role.ts'
import { type RoleEvidence, type RoleRules, roleFor } from '../../../domain/identity/role-rules.ts'
import type { Context } from '../../../runtime/context.ts'
import { collectionOf } from '../database.ts'
import { upserting } from '../retry.ts'

/** What the identity functions read of a row of `users`. */
export interface UserRow extends Document {
  _id: unknown
  auth0_id: string
  email?: string
  role?: string
  /** The role that the rules gave last; a row whose `role` differs was changed by an admin. */
  role_assigned?: string
  is_active?: boolean
}

/** The row of a person, by any of the ids that Auth0 knows of them: accounts may have been linked. */
export async function findUser(context: Context, auth0_id: string): Promise<UserRow | null> {
  const users = collectionOf<UserRow>(context, 'users')
  return (await users.findOne({ auth0_id })) ?? (await users.findOne({ 'identities.user_id': auth0_id }))
}

/** The row of a person, made on first sight. Any number of calls at once leave one row. */
export async function ensureUser(
  context: Context,
  auth0_id: string,
  evidence: RoleEvidence,
  rules: RoleRules,
  seenAt: Date,
): Promise<UserRow> {
  const known = await findUser(context, auth0_id)
  if (known !== null) return known
  const role = roleFor(evidence, rules)
  await upserting(() =>
    collectionOf<UserRow>(context, 'users').updateOne(
      { auth0_id },
      {
        $setOnInsert: {
          role,
          role_assigned: role,
          is_active: true,
          display_name: evidence.email ?? auth0_id,
          created_at: seenAt,
          metadata: {},
        },
      },
      { upsert: true },
    ),
  )
  const row = await findUser(context, auth0_id)
  if (row === null) throw new Error('the user was deleted in the meantime')
  return row
}

/** Leaves a trace of a change that decides what somebody may do. */
export async function audit(
  context: Context,
  action: string,
  subject: string,
  change: Document,
  at: Date,
): Promise<void> {
  await collectionOf(context, 'audit_events').insertOne({ action, subject, ...change, at })
}

/** Moves the role along with the rules, but never one that an admin has set. */
export async function followRules(context: Context, row: UserRow, role: Role, now: Date): Promise<void> {
  if (!isRole(row.role_assigned) || row.role_assigned === role || row.role !== row.role_assigned) return
  // Compared and set in one step: an admin who edits the row meanwhile wins.
  const changed = await collectionOf<UserRow>(context, 'users').updateOne(
    { _id: row._id, role: row.role, role_assigned: row.role_assigned },
    { $set: { role, role_assigned: role } },
  )
  if (changed.modifiedCount === 1)
    await audit(context, 'role_changed', row.auth0_id, { from: row.role, to: role, reason: 'auth0_rules' }, now)
}
