import type { Expression } from '../../schemas/app/definition.ts'
import { evaluateSteps } from './evaluate.ts'
import { runEvaluation } from './run.ts'
import type { ExpressionScope } from './scope.ts'

export { isDocumentIndependent } from './document-independent.ts'
export { expandQuery } from './expand-query.ts'
export { createScope, type ExpressionScope } from './scope.ts'

/**
 * Evaluates a rule expression (spec: rules 5). Anything that goes wrong, a function that throws included, makes the
 * whole expression false; it never throws.
 *
 * @returns a promise only where the expression calls a function, so that plain rules cost no tick per document
 */
export function evaluate(expression: Expression, scope: ExpressionScope): boolean | Promise<boolean> {
  return runEvaluation(evaluateSteps(expression, scope), scope, false)
}

/** `evaluate` as a promise. */
export async function evaluateExpression(expression: Expression, scope: ExpressionScope): Promise<boolean> {
  return evaluate(expression, scope)
}
