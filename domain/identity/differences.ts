import type { IdentityChange } from './identity-change.ts'

/** What is compared of a stored person. */
export interface StoredPerson {
  readonly email?: string
  readonly email_verified?: boolean
  readonly display_name?: string
  readonly connection?: string
  readonly is_active?: boolean
  readonly inactive_by?: string
  readonly created_at?: Date
  readonly last_login?: Date
  readonly deleted_at?: Date
}

/**
 * Names of the fields in which a stored person and a line of an export disagree; never their values, so that a report
 * holds no personal data. A later login or an earlier start in the row is no disagreement: other doors know of them.
 */
export function differences(stored: StoredPerson, exported: IdentityChange): string[] {
  const { profile, accountCreatedAt, lastLogin, kind } = exported
  const fields: string[] = (['email', 'email_verified', 'display_name', 'connection'] as const).filter(
    (name) => profile[name] !== undefined && profile[name] !== stored[name],
  )
  if (kind === 'blocked' && stored.is_active !== false) fields.push('is_active')
  if (kind === 'unblocked' && stored.inactive_by === 'auth0') fields.push('is_active')
  if (accountCreatedAt !== undefined && !(Number(stored.created_at) <= accountCreatedAt)) fields.push('created_at')
  if (lastLogin !== undefined && !(Number(stored.last_login) >= lastLogin)) fields.push('last_login')
  if (stored.deleted_at !== undefined) fields.push('deleted_at')
  return fields
}
