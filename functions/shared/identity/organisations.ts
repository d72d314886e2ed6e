import { isRole, type Role } from '../../../domain/identity/role.ts'
import type { SyncRequest } from '../../../domain/identity/sync-request.ts'
import type { Context } from '../../../runtime/context.ts'
import { collectionOf } from '../database.ts'
import type { UserRow } from './user-row.ts'

/** Ids of organisations become field names. */
const idPattern = /^[A-Za-z0-9_-]{1,64}$/

/**
 * Remembers the organisation of a login, the role in it, and the tenant that the value `auth0Organisations` maps it to.
 * A person may be in several.
 */
export async function rememberOrganisation(
  context: Context,
  row: UserRow,
  { org_id, tenant, type }: SyncRequest,
  role: Role,
): Promise<void> {
  const id = org_id !== undefined && idPattern.test(org_id) ? org_id : undefined
  const mapped = id === undefined ? undefined : tenantOf(context.values.get('auth0Organisations'), id)
  const set = {
    ...(tenant === undefined ? {} : { tenant }),
    ...(id === undefined || type === 'registration' ? {} : { [`organisation_roles.${id}`]: role }),
  }
  const additions = {
    ...(id === undefined ? {} : { organisations: id }),
    ...(mapped === undefined ? {} : { tenants: mapped }),
  }
  const update = {
    ...(Object.keys(set).length === 0 ? {} : { $set: set }),
    ...(Object.keys(additions).length === 0 ? {} : { $addToSet: additions }),
  }
  if (Object.keys(update).length > 0) await collectionOf(context, 'users').updateOne({ _id: row._id }, update)
}

function tenantOf(organisations: unknown, id: string): string | undefined {
  if (typeof organisations !== 'object' || organisations === null) return undefined
  // An id such as `constructor` finds a function there, not a tenant.
  const tenant = (organisations as Readonly<Record<string, unknown>>)[id]
  return typeof tenant === 'string' ? tenant : undefined
}

/**
 * The role of a person in one organisation, where it differs from the row's: a role in one organisation is none in
 * another. Undefined where the row's role counts: outside organisations, in the only one, and when an admin has set it.
 */
export function organisationRole(row: UserRow, org_id: string | undefined): Role | undefined {
  if (org_id === undefined || row.role !== row.role_assigned) return undefined
  if (!(row.organisations ?? []).some((id) => id !== org_id)) return undefined
  const role = row.organisation_roles?.[org_id]
  return isRole(role) ? role : undefined
}
