import type { Expression } from '../../schemas/app/definition.ts'
import { type ExpressionScope, evaluate } from '../expression/index.ts'

/** True for a permission that a role defines; exported files write null for some that it does not. */
export function isDefined(permission: Expression | null | undefined): permission is Expression {
  return permission !== undefined && permission !== null
}

/** Evaluates a permission, or its default when it is not defined. */
export function holds(
  permission: Expression | null | undefined,
  scope: ExpressionScope,
  absent: boolean,
): boolean | Promise<boolean> {
  return isDefined(permission) ? evaluate(permission, scope) : absent
}
