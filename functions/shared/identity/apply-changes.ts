import type { Document } from 'bson'
import type { IdentityChange } from '../../../domain/identity/identity-change.ts'
import type { Role } from '../../../domain/identity/role.ts'
import type { Context } from '../../../runtime/context.ts'
import { collectionOf } from '../database.ts'
import { upserting } from '../retry.ts'
import { changePipeline } from './change-pipeline.ts'
import { type AuditEntry, findUsers, recordAudit, type UserRow } from './user-row.ts'

/** Several doors report the same login (the Action, the log stream): within this time they are one. */
const loginWindowMs = 5 * 60 * 1000

export interface AppliedChanges {
  /** Rows made by this call or, at the same moment, by another. */
  readonly created: number
  /** Rows that were there and hold something newer now. */
  readonly changed: number
  /** The rows as they are now, by every account id that the changes named. */
  readonly rows: ReadonlyMap<string, UserRow>
}

/**
 * Applies messages to the rows of their people. Safe to repeat, in parallel and in any order; the number of database
 * operations does not depend on how many messages there are (a run may start a thousand).
 *
 * @param firstRole of rows that are made here, or that have none
 */
export async function applyIdentityChanges(
  context: Context,
  messages: readonly IdentityChange[],
  firstRole: Role,
  now: Date,
): Promise<AppliedChanges> {
  const changes = messages.map((message) => notInFuture(message, now))
  const known = await findUsers(context, [...new Set(changes.map(({ auth0_id }) => auth0_id))])
  const unknown = firstOfEach(changes.filter(({ auth0_id }) => !known.has(auth0_id)))
  if (unknown.length > 0) await insertUsers(context, unknown, firstRole)
  const before = unknown.length > 0 ? await findUsers(context, [...new Set(changes.map((c) => c.auth0_id))]) : known
  const updates = changes.flatMap((change) => {
    const row = before.get(change.auth0_id)
    if (row === undefined) return []
    return [{ updateOne: { filter: { _id: row._id }, update: changePipeline(ofRow(change, row), firstRole, now) } }]
  })
  if (updates.length > 0) await collectionOf(context, 'users').bulkWrite(updates, { ordered: false })
  const rows = await findUsers(context, [...before.keys()])
  await recordLogins(context, changes, rows, now)
  await recordAudit(context, statusAudit(before, rows, now))
  const changed = [...new Set(rows.values())].filter((row) => row.updated_at?.getTime() === now.getTime())
  const made = new Set(unknown.map(({ auth0_id }) => auth0_id))
  return { created: made.size, changed: changed.filter(({ auth0_id }) => !made.has(auth0_id)).length, rows }
}

/** A clock that is ahead must not freeze what is stored until its time has come. */
function notInFuture(change: IdentityChange, now: Date): IdentityChange {
  const limit = now.getTime()
  const { accountCreatedAt, lastLogin } = change
  return {
    ...change,
    at: Math.min(change.at, limit),
    ...(accountCreatedAt === undefined ? {} : { accountCreatedAt: Math.min(accountCreatedAt, limit) }),
    ...(lastLogin === undefined ? {} : { lastLogin: Math.min(lastLogin, limit) }),
  }
}

function firstOfEach(changes: readonly IdentityChange[]): IdentityChange[] {
  const first = new Map<string, IdentityChange>()
  for (const change of changes) if (!first.has(change.auth0_id)) first.set(change.auth0_id, change)
  return [...first.values()]
}

/** A linked account decides neither the profile nor the status of the person; that is the primary account's to do. */
function ofRow(change: IdentityChange, row: UserRow): IdentityChange {
  if (change.auth0_id === row.auth0_id) return change
  return { id: change.id, auth0_id: change.auth0_id, at: change.at, kind: linkedKind(change.kind), profile: {} }
}

function linkedKind(kind: IdentityChange['kind']): IdentityChange['kind'] {
  return kind === 'login' ? 'login' : 'profile'
}

async function insertUsers(context: Context, changes: readonly IdentityChange[], role: Role): Promise<void> {
  const inserts = changes.map(({ auth0_id, profile, at, accountCreatedAt }) => ({
    updateOne: {
      filter: { auth0_id },
      update: {
        $setOnInsert: {
          role,
          role_assigned: role,
          is_active: true,
          display_name: profile.display_name ?? profile.email ?? auth0_id,
          created_at: new Date(accountCreatedAt ?? at),
          metadata: {},
        },
      },
      upsert: true,
    },
  }))
  await upserting(() => collectionOf(context, 'users').bulkWrite(inserts, { ordered: false }))
}

/** A login is also an activity event: DAU and MAU count events, never `last_login`. */
async function recordLogins(
  context: Context,
  changes: readonly IdentityChange[],
  rows: ReadonlyMap<string, UserRow>,
  now: Date,
): Promise<void> {
  const logins = changes.flatMap(({ kind, auth0_id, at }) => {
    const row = rows.get(auth0_id)
    if (kind !== 'login' || row === undefined || row.is_active === false) return []
    return [{ row, at }]
  })
  if (logins.length === 0) return
  const inserts = logins.map(({ row, at }) => ({
    updateOne: {
      filter: { _id: `login:${row.auth0_id}:${Math.floor(at / loginWindowMs)}` },
      update: {
        $setOnInsert: {
          event_type: 'login',
          user_id: row._id,
          timestamp: new Date(at),
          received_at: now,
          properties: {},
        },
      },
      upsert: true,
    },
  }))
  await upserting(() => collectionOf(context, 'analytics_events').bulkWrite(inserts, { ordered: false }))
}

/** One entry for each status that became another; its `_id` makes it one however many runs see the change. */
function statusAudit(
  before: ReadonlyMap<string, UserRow>,
  after: ReadonlyMap<string, UserRow>,
  now: Date,
): AuditEntry[] {
  return [...after].flatMap(([auth0_id, row]) => {
    const old = before.get(auth0_id)
    const since = row.auth0_at?.status
    if (old === undefined || auth0_id !== row.auth0_id || since === undefined) return []
    const action = statusAction(old, row)
    if (action === undefined) return []
    const entry: Document = { action, subject: auth0_id, reason: 'auth0', at: now }
    return [{ _id: `${action}:${auth0_id}:${since.getTime()}`, ...entry }]
  })
}

function statusAction(old: UserRow, row: UserRow): string | undefined {
  if (old.deleted_at === undefined && row.deleted_at !== undefined) return 'user_deleted'
  if (old.deleted_at !== undefined && row.deleted_at === undefined) return 'user_returned'
  if (old.is_active !== false && row.is_active === false) return 'user_blocked'
  if (old.is_active === false && row.is_active !== false) return 'user_unblocked'
  return undefined
}
