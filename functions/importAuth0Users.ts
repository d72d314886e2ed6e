import { fromExportedUser } from '../domain/identity/exported-user.ts'
import { parseRoleRules } from '../domain/identity/role-rules.ts'
import type { Context } from '../runtime/context.ts'
import { applyIdentityChanges } from './shared/identity/apply-changes.ts'
import { hasNews } from './shared/identity/has-news.ts'
import { findUsers } from './shared/identity/user-row.ts'

export interface ImportedUsers {
  readonly created: number
  readonly changed: number
  /** Positions in `users` of what is no user. */
  readonly invalid: number[]
}

/**
 * Stores a batch of users as Auth0 exports them: rows for those who are missing, newer facts for the others, the earlier
 * `created_at`, the later `last_login`, blocks. Repeating it changes nothing. A user of the export whose account was
 * linked to another one stays with that person.
 *
 * @param users objects of an Auth0 user export
 * @param isDryRun tells what would be made or changed by comparing, and writes nothing
 */
export default async function importAuth0Users(
  context: Context,
  users: readonly unknown[],
  isDryRun = false,
): Promise<ImportedUsers> {
  const parsed = users.map(fromExportedUser)
  const invalid = parsed.flatMap((change, index) => (change === undefined ? [index] : []))
  const changes = parsed.flatMap((change) => change ?? [])
  if (isDryRun) {
    const known = await findUsers(context, [...new Set(changes.map(({ auth0_id }) => auth0_id))])
    const missing = new Set(changes.map(({ auth0_id }) => auth0_id).filter((id) => !known.has(id)))
    const stale = changes.filter((change) => {
      const row = known.get(change.auth0_id)
      return row !== undefined && row.auth0_id === change.auth0_id && hasNews(row, change)
    })
    return { created: missing.size, changed: new Set(stale.map(({ auth0_id }) => auth0_id)).size, invalid }
  }
  const { default_role } = parseRoleRules(context.values.get('auth0RoleRules'))
  const { created, changed } = await applyIdentityChanges(context, changes, default_role, new Date())
  return { created, changed, invalid }
}
