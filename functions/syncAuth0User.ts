import { isRole, type Role } from '../domain/identity/role.ts'
import { parseRoleRules, type RoleRules, roleFor } from '../domain/identity/role-rules.ts'
import { parseSyncRequest, replayWindowSeconds, type SyncRequest } from '../domain/identity/sync-request.ts'
import type { Context, EndpointRequest, EndpointResponse, MongoServiceDatabase } from '../runtime/context.ts'

interface UserRow {
  _id: unknown
  auth0_id: string
  role?: string
  /** The role that the rules gave last; a row whose `role` differs was changed by an admin. */
  role_assigned?: string
  is_active?: boolean
}

const eventMemoryMs = 24 * 60 * 60 * 1000

/**
 * `POST /auth0/users`: creates or refreshes the row of a person who logs in, and answers the role that counts. The
 * endpoint verifies the signature (`VERIFY_PAYLOAD`) before this runs.
 *
 * @returns through `response`: 200 `{auth0_id, role, is_active}`; 401 outside the replay window; 409 for a known
 *   `event_id` with another body; 422 for an invalid body (spec: clients 1.6)
 */
export default async function syncAuth0User(
  context: Context,
  request: EndpointRequest,
  response: EndpointResponse,
): Promise<void> {
  const text = request.body === undefined ? '' : request.body.text()
  const parsed = parseSyncRequest(parseJson(text))
  if (!parsed.ok) return answer(response, 422, { error: parsed.error, error_code: 'InvalidParameter' })
  const sync = parsed.value
  const now = new Date()
  if (Math.abs(now.getTime() / 1000 - sync.iat) > replayWindowSeconds)
    return answer(response, 401, { error: 'the request is too old', error_code: 'IncomingWebhookAuthFailed' })

  const db = context.services.get('mongodb-atlas').db('bi_dashboard')
  if (!(await isFirstBodyOf(db, sync.event_id, text, now)))
    return answer(response, 409, { error: 'this event_id came with another body', error_code: 'BadRequest' })
  const row = await upsertUser(db, sync, parseRoleRules(context.values.get('auth0RoleRules')), now)
  await recordLogin(db, sync, row, now)
  answer(response, 200, { auth0_id: row.auth0_id, role: row.role, is_active: row.is_active !== false })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function answer(response: EndpointResponse, status: number, body: object): void {
  response.setStatusCode(status)
  response.setHeader('Content-Type', 'application/json')
  response.setBody(JSON.stringify(body))
}

/** Two first calls may race for the same unique key; the loser finds the row on its second try. */
async function retryOnce<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch {
    return await write()
  }
}

/** Remembers the body of each event for a day; true unless the event is known with another one. */
async function isFirstBodyOf(db: MongoServiceDatabase, eventId: string, text: string, now: Date): Promise<boolean> {
  const body_hash = utils.crypto.hash('sha256', text).toHex()
  const events = db.collection<{ _id: string; body_hash: string; expires_at: Date }>('auth0_sync_events')
  await retryOnce(() =>
    events.updateOne(
      { _id: eventId },
      { $setOnInsert: { body_hash, expires_at: new Date(now.getTime() + eventMemoryMs) } },
      { upsert: true },
    ),
  )
  const known = await events.findOne({ _id: eventId })
  return known === null || known.body_hash === body_hash
}

async function upsertUser(db: MongoServiceDatabase, sync: SyncRequest, rules: RoleRules, now: Date): Promise<UserRow> {
  const users = db.collection<UserRow>('users')
  const role = roleFor(sync, rules)
  const occurredAt = sync.occurred_at === undefined ? now : new Date(sync.occurred_at)
  const profile: Record<string, unknown> = { updated_at: now }
  for (const name of ['email', 'email_verified', 'connection', 'tenant'] as const)
    if (sync[name] !== undefined) profile[name] = sync[name]
  if (sync.name !== undefined) profile.display_name = sync.name
  const onInsert: Record<string, unknown> = {
    role,
    role_assigned: role,
    is_active: true,
    created_at: now,
    metadata: {},
  }
  if (sync.name === undefined) onInsert.display_name = sync.email ?? sync.auth0_id
  await retryOnce(() =>
    users.updateOne(
      { auth0_id: sync.auth0_id },
      { $set: profile, $max: { last_login: occurredAt }, $setOnInsert: onInsert },
      { upsert: true },
    ),
  )
  await followRules(db, sync.auth0_id, role, now)
  const row = await users.findOne({ auth0_id: sync.auth0_id })
  if (row === null) throw new Error('the user was deleted while logging in')
  return row
}

/** Moves the role along with the rules, but never one that an admin has set, and leaves a trace of each change. */
async function followRules(db: MongoServiceDatabase, auth0_id: string, role: Role, now: Date): Promise<void> {
  const users = db.collection<UserRow>('users')
  const row = await users.findOne({ auth0_id })
  if (row === null || !isRole(row.role_assigned) || row.role_assigned === role || row.role !== row.role_assigned) return
  // Compared and set in one step: an admin who edits the row meanwhile wins.
  const changed = await users.updateOne(
    { auth0_id, role: row.role, role_assigned: row.role_assigned },
    { $set: { role, role_assigned: role } },
  )
  if (changed.modifiedCount === 1)
    await db.collection('audit_events').insertOne({
      action: 'role_changed',
      subject: auth0_id,
      from: row.role,
      to: role,
      reason: 'auth0_rules',
      at: now,
    })
}

/** A login is also an activity event: DAU and MAU count events, never `last_login`. */
async function recordLogin(db: MongoServiceDatabase, sync: SyncRequest, row: UserRow, now: Date): Promise<void> {
  if (sync.type !== 'login') return
  const timestamp = sync.occurred_at === undefined ? now : new Date(sync.occurred_at)
  await retryOnce(() =>
    db.collection('analytics_events').updateOne(
      { _id: `login:${sync.event_id}` },
      {
        $setOnInsert: {
          event_type: 'login',
          user_id: row._id,
          timestamp,
          received_at: now,
          platform: 'web',
          properties: {},
        },
      },
      { upsert: true },
    ),
  )
}
