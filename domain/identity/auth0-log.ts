import type { IdentityChange, IdentityProfile } from './identity-change.ts'

type Fields = Readonly<Record<string, unknown>>

/** Log types that change what is stored of a person (spec: clients 1.7; the codes are Auth0's). */
const kinds: Readonly<Record<string, IdentityChange['kind']>> = {
  s: 'login',
  ss: 'registration',
  sv: 'profile',
  sce: 'profile',
  sdu: 'deleted',
}

/** Event-stream types (CloudEvents). */
const eventKinds: Readonly<Record<string, IdentityChange['kind']>> = {
  'user.created': 'registration',
  'user.updated': 'profile',
  'user.deleted': 'deleted',
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= 512 ? value : undefined
}

/**
 * The messages of a webhook body: a JSON array, one object, or JSON lines, told apart by the content because Auth0 sends
 * any of them under the same header.
 *
 * @returns undefined when the body is none of them
 */
export function parseMessages(body: string): Fields[] | undefined {
  const trimmed = body.trim()
  if (trimmed === '') return []
  const whole = parse(trimmed)
  if (Array.isArray(whole)) return whole.every(isFields) ? whole : undefined
  if (isFields(whole)) return [whole]
  const lines = trimmed
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(parse)
  return lines.every(isFields) ? lines : undefined
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

/** What a message says of a person; undefined for the many that say nothing we store. */
export function toIdentityChange(message: Fields): IdentityChange | undefined {
  if (message.specversion !== undefined) return fromCloudEvent(message)
  const data = isFields(message.data) ? message.data : message
  const id = text(message.log_id) ?? text(data.log_id) ?? text(data._id)
  const at = typeof data.date === 'string' ? Date.parse(data.date) : Number.NaN
  if (id === undefined || isNaN(at)) return undefined
  if (data.type === 'sapi') return fromManagementCall(id, at, data)
  const kind = typeof data.type === 'string' ? kinds[data.type] : undefined
  const auth0_id = text(data.user_id)
  if (kind === undefined || auth0_id === undefined) return undefined
  return { id, auth0_id, at, kind, profile: logProfile(data) }
}

function logProfile(data: Fields): IdentityProfile {
  const connection = text(data.connection)
  const email = text(data.user_name)
  return {
    // `user_name` is an address only for people who have one; and a log line never proves that it is theirs.
    ...(email?.includes('@') ? { email } : {}),
    ...(data.type === 'sv' ? { email_verified: true } : data.type === 'sce' ? { email_verified: false } : {}),
    ...(connection === undefined ? {} : { connection }),
  }
}

/** A write through the Management API: the only log line that tells of a block. */
function fromManagementCall(id: string, at: number, data: Fields): IdentityChange | undefined {
  const details = isFields(data.details) ? data.details : {}
  const request = isFields(details.request) ? details.request : {}
  const match = typeof request.path === 'string' ? /^\/api\/v2\/users\/([^/?]+)$/.exec(request.path) : null
  const auth0_id = match?.[1] === undefined ? undefined : decodeId(match[1])
  if (auth0_id === undefined || typeof request.method !== 'string') return undefined
  const body = isFields(request.body) ? request.body : {}
  const method = request.method.toLowerCase()
  if (method === 'delete') return { id, auth0_id, at, kind: 'deleted', profile: {} }
  if (method !== 'patch') return undefined
  if (typeof body.blocked === 'boolean')
    return { id, auth0_id, at, kind: body.blocked ? 'blocked' : 'unblocked', profile: userProfile(body) }
  return { id, auth0_id, at, kind: 'profile', profile: userProfile(body) }
}

function decodeId(encoded: string): string | undefined {
  try {
    return text(decodeURIComponent(encoded))
  } catch {
    return undefined
  }
}

function fromCloudEvent(message: Fields): IdentityChange | undefined {
  const id = text(message.id)
  const kind = typeof message.type === 'string' ? eventKinds[message.type] : undefined
  const data = isFields(message.data) ? message.data : {}
  const user = isFields(data.object) ? data.object : {}
  const auth0_id = text(user.user_id)
  const stamp = text(user.updated_at) ?? text(message.time)
  const at = stamp === undefined ? Number.NaN : Date.parse(stamp)
  if (id === undefined || kind === undefined || auth0_id === undefined || isNaN(at)) return undefined
  if (kind !== 'profile' || typeof user.blocked !== 'boolean')
    return { id, auth0_id, at, kind, profile: userProfile(user) }
  return { id, auth0_id, at, kind: user.blocked ? 'blocked' : 'unblocked', profile: userProfile(user) }
}

/** The profile fields of a user object of Auth0's Management API. */
export function userProfile(user: Fields): IdentityProfile {
  const email = text(user.email)
  const name = text(user.name)
  const connection = text(user.connection)
  return {
    ...(email === undefined ? {} : { email }),
    ...(typeof user.email_verified === 'boolean' ? { email_verified: user.email_verified } : {}),
    ...(name === undefined ? {} : { display_name: name }),
    ...(connection === undefined ? {} : { connection }),
  }
}
