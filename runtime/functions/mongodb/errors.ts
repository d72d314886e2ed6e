import { codeOf } from '../../data/database-error.ts'
import { AppError } from '../../errors.ts'

/** A refusal of the database as functions see it: `code` is the server's number, so that `e.code === 11000` works. */
export class MongoServiceError extends Error {
  override readonly name = 'MongoError'
  readonly code: number
  readonly codeName: string | undefined
  declare readonly cause: AppError

  constructor(error: AppError, code: number, codeName: string | undefined) {
    super(error.message, { cause: error })
    this.code = code
    this.codeName = codeName
  }
}

/** What a function catches for an error of the data path. */
export function toServiceError(error: unknown): unknown {
  if (!(error instanceof AppError) || error.code !== 'MongoDBError') return error
  const { cause } = error
  const code = codeOf(cause)
  if (code === undefined || !(cause instanceof Error)) return error
  const codeName = 'codeName' in cause && typeof cause.codeName === 'string' ? cause.codeName : undefined
  return new MongoServiceError(error, code, codeName)
}

/** The driver's error behind what a function caught; undefined for any other value. */
export function driverErrorOf(error: unknown): Error | undefined {
  const refusal = error instanceof MongoServiceError ? error.cause : error
  return refusal instanceof AppError && refusal.code === 'MongoDBError' && refusal.cause instanceof Error
    ? refusal.cause
    : undefined
}

/** A command that functions do not have (spec: function runtime 5). */
export function notAvailable(command: string, hint: string): AppError {
  return new AppError('ServiceCommandNotFound', `${command} is not available in functions: ${hint}`)
}
