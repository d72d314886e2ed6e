import { AppError } from '../errors.ts'

/** The refusal of a body that is not valid JSON or extended JSON: status 400, no position in our code. */
export function invalidEjson(reason: string): AppError {
  return new AppError('BadRequest', `invalid request body: ${reason}`, { status: 400 })
}
