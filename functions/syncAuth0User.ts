import { parseRoleRules, roleFor } from '../domain/identity/role-rules.ts'
import { parseSyncRequest, replayWindowSeconds, type SyncRequest } from '../domain/identity/sync-request.ts'
import type { Context, EndpointRequest, EndpointResponse } from '../runtime/context.ts'
import { collectionOf } from './shared/database.ts'
import { answer } from './shared/identity/answer.ts'
import { applyIdentityChange } from './shared/identity/apply-change.ts'
import { rememberEvent } from './shared/identity/event-memory.ts'
import { mergeLinkedUsers } from './shared/identity/merge-users.ts'
import { findUser, followRules, type UserRow } from './shared/identity/user-row.ts'

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
  if ((await rememberEvent(context, sync.event_id, text, now)) === 'conflict')
    return answer(response, 409, { error: 'this event_id came with another body', error_code: 'BadRequest' })
  const row = await syncUser(context, sync, now)
  answer(response, 200, { auth0_id: row.auth0_id, role: row.role, is_active: row.is_active !== false })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function syncUser(context: Context, sync: SyncRequest, now: Date): Promise<UserRow> {
  const rules = parseRoleRules(context.values.get('auth0RoleRules'))
  const { email, email_verified, connection, name } = sync
  const found = await applyIdentityChange(
    context,
    {
      id: sync.event_id,
      auth0_id: sync.auth0_id,
      at: sync.occurred_at === undefined ? now.getTime() : Date.parse(sync.occurred_at),
      kind: sync.type === 'registration' ? 'registration' : 'login',
      profile: {
        ...(email === undefined ? {} : { email }),
        ...(email_verified === undefined ? {} : { email_verified }),
        ...(connection === undefined ? {} : { connection }),
        ...(name === undefined ? {} : { display_name: name }),
      },
    },
    rules,
    now,
  )
  // A registration knows no roles yet; only a login may move one.
  if (sync.type !== 'registration') await followRules(context, found, roleFor(sync, rules), now)
  if (sync.identities !== undefined) await mergeLinkedUsers(context, found, sync.identities, now)
  await rememberOrganisation(context, found, sync)
  const row = await findUser(context, found.auth0_id)
  if (row === null) throw new Error('the user was deleted while logging in')
  return row
}

/** A person may be in several organisations; each maps to a tenant by the value `auth0Organisations`. */
async function rememberOrganisation(context: Context, row: UserRow, sync: SyncRequest): Promise<void> {
  const tenants = context.values.get('auth0Organisations')
  const mapped =
    sync.org_id !== undefined && typeof tenants === 'object' && tenants !== null
      ? (tenants as Record<string, unknown>)[sync.org_id]
      : undefined
  const additions = {
    ...(sync.org_id === undefined ? {} : { organisations: sync.org_id }),
    ...(typeof mapped === 'string' ? { tenants: mapped } : {}),
  }
  const update = {
    ...(Object.keys(additions).length === 0 ? {} : { $addToSet: additions }),
    ...(sync.tenant === undefined ? {} : { $set: { tenant: sync.tenant } }),
  }
  if (Object.keys(update).length > 0) await collectionOf(context, 'users').updateOne({ _id: row._id }, update)
}
