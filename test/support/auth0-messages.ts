import { createHmac, randomUUID } from 'node:crypto'
import { logToken, type OwnEdge, syncSecret } from './own-edge.ts'

export interface Answered {
  readonly status: number
  readonly body: unknown
}

async function answered(response: Response): Promise<Answered> {
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
}

/** The body of a login call; `changes` win, and `undefined` leaves a field out. */
export function loginBody(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    event_id: randomUUID(),
    iat: Math.floor(Date.now() / 1000),
    type: 'login',
    tenant: 'acme',
    auth0_id: 'auth0|ada',
    email: 'ada@acme.example',
    email_verified: true,
    name: 'Ada',
    connection: 'Username-Password-Authentication',
    client_id: 'spa',
    roles: [],
    logins_count: 3,
    occurred_at: new Date().toISOString(),
    ...changes,
  }
}

export function sign(body: string, secret = syncSecret): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
}

/** `POST /auth0/users`, signed unless `signature` says otherwise. */
export async function postLogin(
  edge: OwnEdge,
  body: Record<string, unknown> | string,
  signature?: string,
): Promise<Answered> {
  const raw = typeof body === 'string' ? body : JSON.stringify(body)
  const headers: Record<string, string> = { 'Content-Type': 'application/json' }
  headers['Endpoint-Signature'] = signature ?? sign(raw)
  return answered(await fetch(`${edge.endpoint}/auth0/users`, { method: 'POST', headers, body: raw }))
}

/** `POST /auth0/logs` with the token of the log stream. */
export async function postLogs(edge: OwnEdge, body: string, authorization: string = logToken): Promise<Answered> {
  return answered(
    await fetch(`${edge.endpoint}/auth0/logs`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: authorization },
      body,
    }),
  )
}

/** A line of Auth0's log stream. */
export function logLine(type: string, user_id: string, date: string, more: Record<string, unknown> = {}): object {
  const log_id = randomUUID()
  return { log_id, data: { log_id, type, date, user_id, tenant_name: 'acme', ...more } }
}

/** The line of a write through the Management API. */
export function managementLine(method: string, user_id: string, date: string, body: object = {}): object {
  const path = `/api/v2/users/${encodeURIComponent(user_id)}`
  return logLine('sapi', '', date, { user_id: undefined, details: { request: { method, path, body } } })
}
