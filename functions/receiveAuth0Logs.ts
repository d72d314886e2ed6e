import { parseMessages, toIdentityChange } from '../domain/identity/auth0-log.ts'
import { isExpectedTenant } from '../domain/identity/expected-tenants.ts'
import { parseRoleRules } from '../domain/identity/role-rules.ts'
import type { Context, EndpointRequest, EndpointResponse } from '../runtime/context.ts'
import { answer } from './shared/identity/answer.ts'
import { applyIdentityChanges } from './shared/identity/apply-changes.ts'
import { rememberAll, remembered } from './shared/identity/event-memory.ts'

const mostBytes = 1_000_000

/**
 * `POST /auth0/logs`: Auth0's log stream or event stream, for people whom a lost login call would have missed. The whole
 * `Authorization` header must be the secret `auth0_log_token`. Messages that say nothing of a person, that come from
 * another tenant, or that were stored before are passed over.
 *
 * @returns through `response`: 204 when everything is stored; 401 for a wrong token; 413 over 1 MB; 422 for a body that
 *   holds no messages (spec: clients 1.7)
 */
export default async function receiveAuth0Logs(
  context: Context,
  request: EndpointRequest,
  response: EndpointResponse,
): Promise<void> {
  if (!isAuthentic(context, request))
    return answer(response, 401, { error: 'request validation failed', error_code: 'IncomingWebhookAuthFailed' })
  const text = request.body === undefined ? '' : request.body.text()
  if (isLongerThan(text, mostBytes))
    return answer(response, 413, { error: 'at most 1 MB a call', error_code: 'BadRequest' })
  const messages = parseMessages(text)
  if (messages === undefined)
    return answer(response, 422, { error: 'the body holds no log messages', error_code: 'InvalidParameter' })
  const now = new Date()
  const tenants = context.values.get('auth0Tenants')
  const changes = messages
    .flatMap((message) => toIdentityChange(message) ?? [])
    .filter(({ tenant }) => isExpectedTenant(tenant, tenants, false))
  if (changes.length > 0) {
    const known = await remembered(
      context,
      changes.map(({ id }) => memoryId(id)),
    )
    const fresh = changes.filter(({ id }) => !known.has(memoryId(id)))
    const { default_role } = parseRoleRules(context.values.get('auth0RoleRules'))
    // No line of a log gives a role: the next login does.
    await applyIdentityChanges(context, fresh, default_role, now)
    // Remembered after the effect: a run that dies in between is repeated, and repeating changes nothing.
    await rememberAll(
      context,
      fresh.map(({ id }) => memoryId(id)),
      now,
    )
  }
  response.setStatusCode(204)
}

function memoryId(id: string): string {
  return `log:${id}`
}

/** Counts the bytes of UTF-8 without making them. */
function isLongerThan(text: string, bytes: number): boolean {
  if (text.length > bytes) return true
  let length = 0
  for (const char of text) {
    const point = char.codePointAt(0) ?? 0
    length += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
  }
  return length > bytes
}

/** Compares digests, and all of them: the time tells nothing of where two tokens differ. */
function isAuthentic(context: Context, request: EndpointRequest): boolean {
  const expected = context.values.get('auth0LogToken')
  const given = request.headers.Authorization?.[0]
  if (typeof expected !== 'string' || expected === '' || given === undefined) return false
  const digest = (text: string): string => utils.crypto.hmac(text, 'auth0-log-stream', 'sha256', 'hex')
  const [one, other] = [digest(given), digest(expected)]
  let difference = one.length ^ other.length
  for (let index = 0; index < other.length; index++) difference |= one.charCodeAt(index) ^ other.charCodeAt(index)
  return difference === 0
}
