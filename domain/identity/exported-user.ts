import { userProfile } from './auth0-log.ts'
import type { IdentityChange } from './identity-change.ts'

type Fields = Readonly<Record<string, unknown>>

function instant(value: unknown): number | undefined {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return isNaN(at) ? undefined : at
}

/**
 * One line of an Auth0 user export as a change: the profile as of `updated_at`, the block where the export has the field,
 * when the account was made and last used.
 *
 * @returns undefined for a value without a `user_id`
 */
export function fromExportedUser(value: unknown): IdentityChange | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const user = value as Fields
  const auth0_id = user.user_id
  if (typeof auth0_id !== 'string' || auth0_id === '' || auth0_id.length > 512) return undefined
  const accountCreatedAt = instant(user.created_at)
  const lastLogin = instant(user.last_login)
  const at = instant(user.updated_at) ?? lastLogin ?? accountCreatedAt ?? 0
  return {
    id: `export:${auth0_id}`,
    auth0_id,
    at,
    kind: user.blocked === true ? 'blocked' : user.blocked === false ? 'unblocked' : 'profile',
    profile: { ...userProfile(user), ...connectionOf(user) },
    ...(accountCreatedAt === undefined ? {} : { accountCreatedAt }),
    ...(lastLogin === undefined ? {} : { lastLogin }),
  }
}

function connectionOf(user: Fields): { connection?: string } {
  const [first]: unknown[] = Array.isArray(user.identities) ? user.identities : []
  const connection = typeof first === 'object' && first !== null ? (first as Fields).connection : undefined
  return typeof connection === 'string' && connection !== '' ? { connection } : {}
}

/** Ids of the accounts that Auth0 has linked to a user, the user's own left out. */
export function linkedIds(identities: unknown, auth0_id: string): string[] {
  if (!Array.isArray(identities)) return []
  const ids = identities.flatMap((identity) => identityId(identity) ?? [])
  return [...new Set(ids)].filter((id) => id !== auth0_id)
}

/** `provider|user_id`, from that text or from an entry of Auth0's `identities`. */
export function identityId(identity: unknown): string | undefined {
  if (typeof identity === 'string') return isId(identity) ? identity : undefined
  if (typeof identity !== 'object' || identity === null) return undefined
  const { provider, user_id } = identity as Fields
  if ((typeof user_id !== 'string' && typeof user_id !== 'number') || typeof provider !== 'string') return undefined
  const id = String(user_id).startsWith(`${provider}|`) ? String(user_id) : `${provider}|${user_id}`
  return isId(id) ? id : undefined
}

function isId(text: string): boolean {
  return text.length > 0 && text.length <= 512
}
