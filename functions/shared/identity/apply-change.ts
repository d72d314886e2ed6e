import type { Document } from 'bson'
import type { IdentityChange, IdentityProfile } from '../../../domain/identity/identity-change.ts'
import type { RoleRules } from '../../../domain/identity/role-rules.ts'
import type { Context } from '../../../runtime/context.ts'
import { collectionOf } from '../database.ts'
import { upserting } from '../retry.ts'
import { audit, ensureUser, type UserRow } from './user-row.ts'

/** Several doors report the same login (the Action, the log stream): within this time they are one. */
const loginWindowMs = 5 * 60 * 1000

function notNewerThan(field: string, at: Date): Document {
  return { $or: [{ [field]: { $exists: false } }, { [field]: { $lte: at } }] }
}

/**
 * Applies one message to the row of its person. Safe to repeat, and in any order: a fact is stored only over facts that
 * are older than it. Returns the row as it was found or made.
 */
export async function applyIdentityChange(
  context: Context,
  change: IdentityChange,
  rules: RoleRules,
  now: Date,
): Promise<UserRow> {
  const at = new Date(change.at)
  const row = await ensureUser(context, change.auth0_id, change.profile, rules, at)
  await applyProfile(context, row, change.profile, at, now)
  if (change.kind === 'login') await recordLogin(context, row, at, now)
  else if (change.kind !== 'profile' && change.kind !== 'registration')
    await applyStatus(context, row, change.kind, at, now)
  return row
}

async function applyProfile(
  context: Context,
  row: UserRow,
  profile: IdentityProfile,
  at: Date,
  now: Date,
): Promise<void> {
  if (Object.keys(profile).length === 0) return
  const users = collectionOf<UserRow>(context, 'users')
  const older = notNewerThan('profile_at', at)
  // What was verified of one address says nothing of another.
  if (profile.email !== undefined && profile.email_verified === undefined)
    await users.updateOne(
      { _id: row._id, email: { $ne: profile.email }, ...older },
      { $set: { email_verified: false } },
    )
  await users.updateOne({ _id: row._id, ...older }, { $set: { ...profile, profile_at: at, updated_at: now } })
}

/** A login is also an activity event: DAU and MAU count events, never `last_login`. */
async function recordLogin(context: Context, row: UserRow, at: Date, now: Date): Promise<void> {
  await collectionOf<UserRow>(context, 'users').updateOne({ _id: row._id }, { $max: { last_login: at } })
  await upserting(() =>
    collectionOf(context, 'analytics_events').updateOne(
      { _id: `login:${row.auth0_id}:${Math.floor(at.getTime() / loginWindowMs)}` },
      {
        $setOnInsert: {
          event_type: 'login',
          user_id: row._id,
          timestamp: at,
          received_at: now,
          platform: 'web',
          properties: {},
        },
      },
      { upsert: true },
    ),
  )
}

async function applyStatus(
  context: Context,
  row: UserRow,
  kind: 'blocked' | 'unblocked' | 'deleted',
  at: Date,
  now: Date,
): Promise<void> {
  const status: Record<typeof kind, { filter: Document; set: Document; unset?: Document }> = {
    blocked: { filter: { is_active: { $ne: false } }, set: { is_active: false, blocked_by: 'auth0' } },
    // Only what Auth0 blocked: an admin's decision outlives an unblock at the identity provider.
    unblocked: { filter: { blocked_by: 'auth0' }, set: { is_active: true }, unset: { blocked_by: '' } },
    deleted: { filter: { deleted_at: { $exists: false } }, set: { is_active: false, deleted_at: at } },
  }
  const { filter, set, unset } = status[kind]
  const changed = await collectionOf<UserRow>(context, 'users').updateOne(
    { _id: row._id, ...filter, ...notNewerThan('status_at', at) },
    { $set: { ...set, status_at: at, updated_at: now }, ...(unset === undefined ? {} : { $unset: unset }) },
  )
  if (changed.modifiedCount === 1) await audit(context, `user_${kind}`, row.auth0_id, { reason: 'auth0' }, now)
}
