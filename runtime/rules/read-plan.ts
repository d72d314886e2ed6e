import type { Role } from '../../schemas/app/definition.ts'
import { type ExpressionScope, evaluate, isDocumentIndependent } from '../expression/index.ts'
import { choices } from './choices.ts'
import { holds, isDefined } from './permission.ts'

/**
 * What can be said of a request before any document is read: `all` documents are readable in full, `none` is readable
 * at all, or each one must be looked at.
 */
export type ReadPlan = 'all' | 'none' | 'each'

/** Plans a read from the parts of the roles that do not depend on documents. */
export async function planRead(roles: readonly Role[], scope: ExpressionScope): Promise<ReadPlan> {
  const role = await fixedRole(roles, scope)
  if (role === 'none' || role === 'depends') return role === 'none' ? 'none' : 'each'
  const { document_filters: filters, read, write, search } = role
  if (!isDocumentIndependent(search) || !(await holds(search, scope, choices.absentPermission))) return 'each'
  if (filters) {
    if (!isDocumentIndependent(filters.read)) return 'each'
    if (!(await holds(filters.read, scope, choices.absentDocumentFilter))) return 'each'
  }
  if (isDefined(read) && isDocumentIndependent(read) && (await evaluate(read, scope))) return 'all'
  return isDefined(write) && isDocumentIndependent(write) && (await evaluate(write, scope)) ? 'all' : 'each'
}

/** True when every document a request may touch can be written so, whatever it holds. */
export async function isWriteFree(
  roles: readonly Role[],
  kind: 'insert' | 'update' | 'delete',
  scope: ExpressionScope,
): Promise<boolean> {
  const role = await fixedRole(roles, scope)
  if (role === 'none' || role === 'depends') return false
  const needed = [
    { permission: role.document_filters?.write, absent: !role.document_filters || choices.absentDocumentFilter },
    { permission: role.write, absent: false },
    ...(kind === 'update' ? [] : [{ permission: role[kind], absent: choices.absentPermission }]),
  ]
  for (const { permission, absent } of needed) {
    if (!isDocumentIndependent(permission) || !(await holds(permission, scope, absent))) return false
  }
  return true
}

/** The role that every document gets, if that does not depend on the document. */
async function fixedRole(roles: readonly Role[], scope: ExpressionScope): Promise<Role | 'none' | 'depends'> {
  for (const role of roles) {
    if (!isDocumentIndependent(role.apply_when)) return 'depends'
    if (await evaluate(role.apply_when, scope)) return role
  }
  return 'none'
}
