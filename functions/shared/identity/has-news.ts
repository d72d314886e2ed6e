import type { IdentityChange } from '../../../domain/identity/identity-change.ts'
import type { Fact, UserRow } from './user-row.ts'

/**
 * True when storing `change` over `row` would modify it: what `changePipeline` decides on the server, for a dry run. A
 * change that is no login of its own.
 */
export function hasNews(row: UserRow, change: IdentityChange): boolean {
  const isNewer = (fact: Fact): boolean => change.at > (row.auth0_at?.[fact]?.getTime() ?? -1)
  const { email, email_verified, display_name, connection } = change.profile
  const isSameEmail = row.email === email
  const verifies =
    email_verified !== undefined &&
    (email === undefined
      ? email_verified === false && isNewer('email_verified')
      : isSameEmail
        ? isNewer('email_verified')
        : isNewer('email'))
  return (
    (display_name !== undefined && isNewer('display_name')) ||
    (connection !== undefined && isNewer('connection')) ||
    (email !== undefined && isNewer('email')) ||
    verifies ||
    hasNewTimes(row, change) ||
    hasNewStatus(row, change, isNewer('status'))
  )
}

function hasNewTimes(row: UserRow, { at, accountCreatedAt, lastLogin }: IdentityChange): boolean {
  const seen = Math.min(accountCreatedAt ?? at, at)
  return (
    (seen > 0 && row.created_at !== undefined && row.created_at.getTime() > seen) ||
    (lastLogin !== undefined && lastLogin > (row.last_login?.getTime() ?? -1))
  )
}

function hasNewStatus(row: UserRow, { kind, accountCreatedAt }: IdentityChange, isNewer: boolean): boolean {
  if (kind === 'blocked' || kind === 'unblocked') return isNewer
  if (accountCreatedAt === undefined) return false
  if (row.deleted_at !== undefined) return row.deleted_by === 'auth0' && accountCreatedAt > row.deleted_at.getTime()
  return row.inactive_by === 'auth0' && accountCreatedAt > (row.auth0_at?.status?.getTime() ?? accountCreatedAt)
}
