import { identityId } from './exported-user.ts'

/** What an Auth0 Action says of a login: the body of `POST /auth0/users` (spec: clients 1.6). */
export interface SyncRequest {
  /** UUID of this login; a repeated call carries the same one. */
  readonly event_id: string
  /** Unix seconds at which the body was signed. */
  readonly iat: number
  readonly type: string
  readonly auth0_id: string
  readonly tenant?: string
  readonly email?: string
  readonly email_verified?: boolean
  readonly name?: string
  readonly connection?: string
  readonly client_id?: string
  readonly org_id?: string
  readonly roles?: readonly string[]
  /** Ids of the accounts linked to this one, itself included: `provider|user_id`. */
  readonly identities?: readonly string[]
  readonly logins_count?: number
  /** ISO 8601; when the login happened. */
  readonly occurred_at?: string
  /** ISO 8601; when Auth0 made the account. */
  readonly created_at?: string
}

export type ParsedSyncRequest =
  | { readonly ok: true; readonly value: SyncRequest }
  | { readonly ok: false; readonly error: string }

/** How far `iat` may be from the receiver's clock before the call counts as a replay. */
export const replayWindowSeconds = 300

const optionalStrings = ['tenant', 'email', 'name', 'connection', 'client_id', 'org_id'] as const
const optionalInstants = ['occurred_at', 'created_at'] as const
const longestString = 512
const mostListed = 100

function isShortString(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= longestString
}

/** Checks a body by hand: functions bundle no validation library (design decision 7). */
export function parseSyncRequest(body: unknown): ParsedSyncRequest {
  const refuse = (error: string): ParsedSyncRequest => ({ ok: false, error })
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return refuse('the body must be a JSON object')
  const fields = body as Readonly<Record<string, unknown>>
  if (!isShortString(fields.event_id)) return refuse("'event_id' must be a string")
  if (typeof fields.iat !== 'number' || !isFinite(fields.iat)) return refuse("'iat' must be a number of seconds")
  if (!isShortString(fields.auth0_id)) return refuse("'auth0_id' must be a string")
  if (fields.type !== undefined && !isShortString(fields.type)) return refuse("'type' must be a string")
  // Auth0 leaves a field out or sends null when it does not know; both mean absent.
  const known: Record<string, unknown> = {}
  for (const name of optionalStrings) {
    const value = fields[name]
    if (value === undefined || value === null || value === '') continue
    if (!isShortString(value)) return refuse(`'${name}' must be a string`)
    known[name] = value
  }
  for (const name of optionalInstants) {
    const value = fields[name]
    if (value === undefined || value === null) continue
    if (!isShortString(value) || isNaN(Date.parse(value))) return refuse(`'${name}' must be an ISO 8601 instant`)
    known[name] = value
  }
  const { email_verified, logins_count, roles, identities } = fields
  if (email_verified !== undefined && email_verified !== null) {
    if (typeof email_verified !== 'boolean') return refuse("'email_verified' must be a boolean")
    known.email_verified = email_verified
  }
  if (typeof logins_count === 'number') known.logins_count = logins_count
  if (roles !== undefined && roles !== null) {
    if (!Array.isArray(roles) || roles.length > mostListed || !roles.every(isShortString))
      return refuse("'roles' must be an array of strings")
    known.roles = roles
  }
  if (identities !== undefined && identities !== null) {
    const ids = Array.isArray(identities) && identities.length <= mostListed ? identities.map(identityId) : [undefined]
    if (!ids.every(isShortString)) return refuse("'identities' must be an array of accounts")
    known.identities = ids
  }
  return {
    ok: true,
    value: {
      ...known,
      event_id: fields.event_id,
      iat: fields.iat,
      type: fields.type ?? 'login',
      auth0_id: fields.auth0_id,
    },
  }
}

/**
 * When the login happened, in milliseconds since 1970. A time far from the signature's is not believed: it would freeze
 * what is stored, or rewrite when a person was first seen. Taken from the body alone, so that a replay changes nothing.
 */
export function loginTime({ iat, occurred_at }: SyncRequest): number {
  const occurred = occurred_at === undefined ? Number.NaN : Date.parse(occurred_at)
  return Math.abs(occurred - iat * 1000) <= replayWindowSeconds * 1000 ? occurred : iat * 1000
}
