import { isExpectedTenant } from '../domain/identity/expected-tenants.ts'
import type { IdentityChange } from '../domain/identity/identity-change.ts'
import { isRole, type Role } from '../domain/identity/role.ts'
import { parseRoleRules, roleFor } from '../domain/identity/role-rules.ts'
import { loginTime, parseSyncRequest, replayWindowSeconds, type SyncRequest } from '../domain/identity/sync-request.ts'
import type { Context, EndpointRequest, EndpointResponse } from '../runtime/context.ts'
import { answer } from './shared/identity/answer.ts'
import { applyIdentityChanges } from './shared/identity/apply-changes.ts'
import { rememberEvent } from './shared/identity/event-memory.ts'
import { alignIdentities, mergeLinkedUsers } from './shared/identity/merge-users.ts'
import { organisationRole, rememberOrganisation } from './shared/identity/organisations.ts'
import { findUser, followRules, type UserRow } from './shared/identity/user-row.ts'

/**
 * `POST /auth0/users`: creates or refreshes the row of a person who logs in, and answers the role that counts. The
 * endpoint verifies the signature (`VERIFY_PAYLOAD`) before this runs.
 *
 * @returns through `response`: 200 `{auth0_id, role, is_active}`; 401 outside the replay window or from a tenant that is
 *   not ours; 409 for a known `event_id` with another body; 422 for an invalid body (spec: clients 1.6)
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
  if (Math.abs(now.getTime() / 1000 - sync.iat) > replayWindowSeconds) return refuse(response, 'the request is too old')
  if (!isExpectedTenant(sync.tenant, context.values.get('auth0Tenants'), true))
    return refuse(response, 'the request comes from another tenant')
  if ((await rememberEvent(context, `sync:${sync.event_id}`, text, now)) === 'conflict')
    return answer(response, 409, { error: 'this event_id came with another body', error_code: 'BadRequest' })
  const rules = parseRoleRules(context.values.get('auth0RoleRules'))
  const row = await syncUser(context, sync, roleFor(sync, rules), now)
  answer(response, 200, {
    auth0_id: row.auth0_id,
    role: organisationRole(row, sync.org_id) ?? (isRole(row.role) ? row.role : rules.default_role),
    is_active: row.is_active !== false && row.deleted_at === undefined,
  })
}

function refuse(response: EndpointResponse, error: string): void {
  answer(response, 401, { error, error_code: 'IncomingWebhookAuthFailed' })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function syncUser(context: Context, sync: SyncRequest, role: Role, now: Date): Promise<UserRow> {
  const identities = sync.identities ?? []
  // An empty list is a profile that does not tell; a person has at least the account that logs in.
  if (identities.length > 0) await alignIdentities(context, sync.auth0_id, identities, now)
  const { rows } = await applyIdentityChanges(context, [toChange(sync)], role, now)
  const row = rows.get(sync.auth0_id)
  if (row === undefined) throw new Error('the user was deleted while logging in')
  await rememberOrganisation(context, row, sync, role)
  // A registration knows no roles yet; only a login may move one. And a role in one organisation is none in another.
  const isElsewhere = (row.organisations ?? []).some((id) => id !== sync.org_id)
  if (sync.type !== 'registration' && !isElsewhere) await followRules(context, row, role, sync.event_id, now)
  await mergeLinkedUsers(context, row, identities, now)
  return (await findUser(context, sync.auth0_id)) ?? row
}

function toChange(sync: SyncRequest): IdentityChange {
  const { email, email_verified, connection, name, created_at } = sync
  return {
    id: sync.event_id,
    auth0_id: sync.auth0_id,
    at: loginTime(sync),
    kind: sync.type === 'registration' ? 'registration' : 'login',
    profile: {
      ...(email === undefined ? {} : { email }),
      ...(email_verified === undefined ? {} : { email_verified }),
      ...(connection === undefined ? {} : { connection }),
      ...(name === undefined ? {} : { display_name: name }),
    },
    ...(created_at === undefined ? {} : { accountCreatedAt: Date.parse(created_at) }),
  }
}
