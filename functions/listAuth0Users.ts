import type { Context } from '../runtime/context.ts'
import { collectionOf } from './shared/database.ts'
import type { UserRow } from './shared/identity/user-row.ts'

const pageSize = 10_000

/**
 * A page of the account ids of everybody who is not deleted, in order.
 *
 * @param after the last id of the page before; '' for the first
 * @returns an empty page at the end
 */
export default async function listAuth0Users(context: Context, after: string): Promise<string[]> {
  const rows = await collectionOf<UserRow>(context, 'users')
    .find({ auth0_id: { $gt: after }, deleted_at: { $exists: false } }, { _id: 0, auth0_id: 1 })
    .sort({ auth0_id: 1 })
    .limit(pageSize)
    .toArray()
  return rows.map(({ auth0_id }) => auth0_id)
}
