import type { IdentityChange, IdentityProfile } from './identity-change.ts'

type Fields = Readonly<Record<string, unknown>>

/** Log types that change what is stored of a person (spec: clients 1.7; the codes are Auth0's). */
const kinds = new Map<unknown, IdentityChange['kind']>([
  ['s', 'login'],
  ['ss', 'registration'],
  ['sv', 'profile'],
  ['sce', 'profile'],
  ['sdu', 'deleted'],
])

/** Event-stream types (CloudEvents). */
const eventKinds = new Map<unknown, IdentityChange['kind']>([
  ['user.created', 'registration'],
  ['user.updated', 'profile'],
  ['user.deleted', 'deleted'],
])

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
  const kind = kinds.get(data.type)
  const auth0_id = text(data.user_id)
  if (kind === undefined || auth0_id === undefined) return undefined
  const account = kind === 'registration' ? { accountCreatedAt: at } : {}
  return { id, auth0_id, at, kind, profile: logProfile(data), ...account, ...tenantOf(data.tenant_name) }
}

function tenantOf(value: unknown): { tenant?: string } {
  const tenant = text(value)
  return tenant === undefined ? {} : { tenant }
}

function logProfile(data: Fields): IdentityProfile {
  const connection = text(data.connection)
  const email = text(data.user_name)
  return {
    // `user_name` is an address only for people who have one; and a log line never proves that it is theirs.
    ...(email?.includes('@') ? { email, ...verification(data.type) } : {}),
    ...(connection === undefined ? {} : { connection }),
  }
}

/** Only the line that tells of a verification vouches for an address, and only for the one it names. */
function verification(type: unknown): { email_verified?: boolean } {
  return type === 'sv' ? { email_verified: true } : type === 'sce' ? { email_verified: false } : {}
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
  const tenant = tenantOf(data.tenant_name)
  if (method === 'delete') return { id, auth0_id, at, kind: 'deleted', profile: {}, ...tenant }
  if (method !== 'patch') return undefined
  return { id, auth0_id, at, kind: blockKind(body.blocked), profile: userProfile(body), ...tenant }
}

function blockKind(blocked: unknown): 'blocked' | 'unblocked' | 'profile' {
  return blocked === true ? 'blocked' : blocked === false ? 'unblocked' : 'profile'
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
  const kind = eventKinds.get(message.type)
  const data = isFields(message.data) ? message.data : {}
  const user = isFields(data.object) ? data.object : {}
  const auth0_id = text(user.user_id)
  // A deletion carries the object as it last was: its `updated_at` is older than the deletion.
  const stamp = kind === 'deleted' ? text(message.time) : (text(user.updated_at) ?? text(message.time))
  const at = stamp === undefined ? Number.NaN : Date.parse(stamp)
  if (id === undefined || kind === undefined || auth0_id === undefined || isNaN(at)) return undefined
  const createdAt = typeof user.created_at === 'string' ? Date.parse(user.created_at) : Number.NaN
  return {
    id,
    auth0_id,
    at,
    kind: kind === 'profile' ? blockKind(user.blocked) : kind,
    profile: kind === 'deleted' ? {} : userProfile(user),
    ...(kind === 'deleted' || isNaN(createdAt) ? {} : { accountCreatedAt: createdAt }),
    ...tenantOf(message.a0tenant),
  }
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
