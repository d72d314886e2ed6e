import type { Role } from '../../schemas/app/definition.ts'
import { type ExpressionScope, evaluate } from '../expression/index.ts'

/** The first role, in the file's order, whose `apply_when` holds for the document of the scope; undefined for none. */
export async function selectRole(roles: readonly Role[], scope: ExpressionScope): Promise<Role | undefined> {
  for (const role of roles) if (await evaluate(role.apply_when, scope)) return role
  return undefined
}
