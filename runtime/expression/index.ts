import type { Expression } from '../../schemas/app/definition.ts'
import { evaluateSteps } from './evaluate.ts'
import type { Evaluation } from './evaluation.ts'
import { ExpressionError } from './expression-error.ts'
import type { ExpressionScope } from './scope.ts'

export { createScope, type ExpressionScope } from './scope.ts'

/**
 * Evaluates a rule expression (spec: rules 5). Anything that goes wrong, a function that throws included, makes the
 * whole expression false; it never throws.
 *
 * @returns a promise only where the expression calls a function, so that plain rules cost no tick per document
 */
export function evaluate(expression: Expression, scope: ExpressionScope): boolean | Promise<boolean> {
  const evaluation = evaluateSteps(expression, scope)
  try {
    const first = evaluation.next()
    return first.done ? first.value : finish(evaluation, first.value, scope)
  } catch (error) {
    return refuse(error)
  }
}

/** `evaluate` as a promise. */
export async function evaluateExpression(expression: Expression, scope: ExpressionScope): Promise<boolean> {
  return evaluate(expression, scope)
}

async function finish(
  evaluation: Evaluation<boolean>,
  first: { name: string; args: readonly unknown[] },
  scope: ExpressionScope,
): Promise<boolean> {
  let call = first
  try {
    for (;;) {
      const step = evaluation.next(await callFunction(call, scope))
      if (step.done) return step.value
      call = step.value
    }
  } catch (error) {
    return refuse(error)
  }
}

async function callFunction(
  call: { name: string; args: readonly unknown[] },
  scope: ExpressionScope,
): Promise<unknown> {
  try {
    return await scope.callFunction(call.name, call.args)
  } catch (error) {
    throw new ExpressionError(`function '${call.name}' failed`, { cause: error })
  }
}

function refuse(error: unknown): false {
  if (error instanceof ExpressionError) return false
  throw error
}
