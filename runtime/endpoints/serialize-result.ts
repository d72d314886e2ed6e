import type { ReturnType } from '../../schemas/app/definition.ts'
import { stringifyEjson } from '../ejson/index.ts'
import { AppError } from '../errors.ts'

/**
 * A function's result as text: a string is quoted, a value JSON cannot hold is null.
 *
 * @throws {AppError} `FunctionExecutionError` for a result that no text can hold: it contains itself, is nested too
 *   deep, or one of its getters throws
 */
export function serializeResult(result: unknown, format: ReturnType): string {
  try {
    return stringifyEjson(result, format)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new AppError('FunctionExecutionError', `the result cannot be serialised: ${reason}`, { cause: error })
  }
}
