import { differences } from '../domain/identity/differences.ts'
import { fromExportedUser } from '../domain/identity/exported-user.ts'
import type { Context } from '../runtime/context.ts'
import { findUsers } from './shared/identity/user-row.ts'

export interface ComparedUsers {
  /** Accounts of the export that no row knows. */
  readonly missing: string[]
  /** Rows that disagree with the export, with the names of the fields. */
  readonly different: { auth0_id: string; fields: string[] }[]
  /** Ids of the accounts read. */
  readonly accounts: string[]
  /** Positions in `users` of what is no user. */
  readonly invalid: number[]
}

/** Compares a batch of users as Auth0 exports them with the stored rows. Reads only. */
export default async function compareAuth0Users(context: Context, users: readonly unknown[]): Promise<ComparedUsers> {
  const parsed = users.map(fromExportedUser)
  const invalid = parsed.flatMap((change, index) => (change === undefined ? [index] : []))
  const changes = parsed.flatMap((change) => change ?? [])
  const accounts = [...new Set(changes.map(({ auth0_id }) => auth0_id))]
  const rows = await findUsers(context, accounts)
  const different = changes.flatMap((change) => {
    const row = rows.get(change.auth0_id)
    // The profile of a linked account is not the person's.
    if (row === undefined || row.auth0_id !== change.auth0_id) return []
    const fields = differences(row, change)
    return fields.length === 0 ? [] : [{ auth0_id: change.auth0_id, fields }]
  })
  return { missing: accounts.filter((id) => !rows.has(id)), different, accounts, invalid }
}
