import { ExpressionError } from '../expression-error.ts'
import type { Logical } from './logical.ts'

/** `%not`: its one expression does not hold. */
export const not: Logical = function* (children, evaluate) {
  if (children.length !== 1) throw new ExpressionError('%not takes one expression')
  return !(yield* evaluate(children[0]))
}
