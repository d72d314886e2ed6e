import { parseMessages, toIdentityChange } from '../domain/identity/auth0-log.ts'
import { parseRoleRules } from '../domain/identity/role-rules.ts'
import type { Context, EndpointRequest, EndpointResponse } from '../runtime/context.ts'
import { answer } from './shared/identity/answer.ts'
import { applyIdentityChange } from './shared/identity/apply-change.ts'
import { isRemembered, rememberEvent } from './shared/identity/event-memory.ts'

const mostBytes = 1_000_000
/** One message costs about eight operations of the thousand that a run may start. */
const mostChanges = 100

/**
 * `POST /auth0/logs`: Auth0's log stream or event stream, for people whom a lost login call would have missed. The whole
 * `Authorization` header must be the secret `auth0_log_token`.
 *
 * @returns through `response`: 204 when everything is stored; 401 for a wrong token; 413 over 1 MB; 422 for a body that
 *   holds no messages; 503 with `Retry-After` when a batch is larger than one run can store (spec: clients 1.7)
 */
export default async function receiveAuth0Logs(
  context: Context,
  request: EndpointRequest,
  response: EndpointResponse,
): Promise<void> {
  if (!isAuthentic(context, request))
    return answer(response, 401, { error: 'request validation failed', error_code: 'IncomingWebhookAuthFailed' })
  const text = request.body === undefined ? '' : request.body.text()
  if (text.length > mostBytes) return answer(response, 413, { error: 'at most 1 MB a call', error_code: 'BadRequest' })
  const messages = parseMessages(text)
  if (messages === undefined)
    return answer(response, 422, { error: 'the body holds no log messages', error_code: 'InvalidParameter' })
  const rules = parseRoleRules(context.values.get('auth0RoleRules'))
  const now = new Date()
  const changes = messages.map((message) => ({ change: toIdentityChange(message), body: JSON.stringify(message) }))
  let stored = 0
  for (const { change, body } of changes) {
    if (change === undefined) continue
    if (stored === mostChanges) {
      // What is stored stays stored; Auth0 sends the batch again and this run goes on behind it.
      response.setHeader('Retry-After', '1')
      return answer(response, 503, { error: 'send the rest again', error_code: 'InternalServerError' })
    }
    if (await isRemembered(context, `log:${change.id}`)) continue
    await applyIdentityChange(context, change, rules, now)
    // Remembered after the effect: a run that dies in between is repeated, and repeating changes nothing.
    await rememberEvent(context, `log:${change.id}`, body, now)
    stored += 1
  }
  response.setStatusCode(204)
}

/** Compares digests under a fixed key, so that the time tells nothing of where two tokens differ. */
function isAuthentic(context: Context, request: EndpointRequest): boolean {
  const expected = context.values.get('auth0LogToken')
  const given = request.headers.Authorization?.[0]
  if (typeof expected !== 'string' || expected === '' || given === undefined) return false
  const digest = (text: string): string => utils.crypto.hmac(text, 'auth0-log-stream', 'sha256', 'hex')
  return digest(given) === digest(expected)
}
