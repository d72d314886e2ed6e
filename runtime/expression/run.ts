import type { Evaluation, FunctionCall } from './evaluation.ts'
import { ExpressionError } from './expression-error.ts'
import type { ExpressionScope } from './scope.ts'

/**
 * Runs an evaluation to its end; what cannot be evaluated, a function that throws included, gives `failed`.
 *
 * @returns a promise only where a function is called
 */
export function runEvaluation<T>(evaluation: Evaluation<T>, scope: ExpressionScope, failed: T): T | Promise<T> {
  try {
    const first = evaluation.next()
    return first.done ? first.value : finish(evaluation, first.value, scope, failed)
  } catch (error) {
    return recover(error, failed)
  }
}

async function finish<T>(
  evaluation: Evaluation<T>,
  first: FunctionCall,
  scope: ExpressionScope,
  failed: T,
): Promise<T> {
  let call = first
  try {
    for (;;) {
      const step = evaluation.next(await callFunction(call, scope))
      if (step.done) return step.value
      call = step.value
    }
  } catch (error) {
    return recover(error, failed)
  }
}

async function callFunction(call: FunctionCall, scope: ExpressionScope): Promise<unknown> {
  try {
    return await scope.callFunction(call.name, call.args)
  } catch (error) {
    throw new ExpressionError(`function '${call.name}' failed`, { cause: error })
  }
}

function recover<T>(error: unknown, failed: T): T {
  if (error instanceof ExpressionError) return failed
  throw error
}
