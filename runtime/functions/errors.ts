import { EJSON } from 'bson'
import { AppError, type AppErrorCode } from '../errors.ts'
import { MongoServiceError } from './mongodb/errors.ts'

/** Refusals that keep their code when a function does not catch them; every other error is the function's own. */
const keptCodes: ReadonlySet<AppErrorCode> = new Set<AppErrorCode>([
  'ExecutionTimeLimitExceeded',
  'FunctionInvalid',
  'FunctionMaxStackDepthError',
  'FunctionNotFound',
  'FunctionSyntaxError',
  'HTTPError',
  'NoMatchingRuleFound',
  'NotCallable',
  'ReadSizeLimitExceeded',
  'RestrictedHost',
  'SchemaValidationFailedRead',
  'SchemaValidationFailedWrite',
  'ServiceCommandNotFound',
  'ServiceNotFound',
  'ServiceTypeNotFound',
  'UserDisabled',
  'UserNotFound',
])

const unavailable = 503

function textOf(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown
  if (thrown instanceof Error) return thrown.message === '' ? thrown.name : thrown.message
  if (typeof thrown !== 'object' || thrown === null) return String(thrown)
  // An error of another realm, or one that a package made by hand.
  if ('message' in thrown && typeof thrown.message === 'string') return thrown.message
  try {
    return EJSON.stringify(thrown, { relaxed: true })
  } catch {
    return 'the function threw a value that cannot be printed'
  }
}

/**
 * The refusal for what a function threw (spec: function runtime 9): the message of an Error, a string as it is, any
 * other value as JSON; never a stack. A database that did not answer stays a 503.
 */
export function toFunctionError(thrown: unknown): AppError {
  const refusal = thrown instanceof MongoServiceError ? thrown.cause : thrown
  if (refusal instanceof AppError && (keptCodes.has(refusal.code) || refusal.status === unavailable)) return refusal
  if (refusal instanceof AppError && refusal.code === 'FunctionExecutionError') return refusal
  return new AppError('FunctionExecutionError', textOf(thrown), { cause: thrown })
}

/** The stack of what a function threw, for the log alone. */
export function stackOf(error: AppError): string | undefined {
  const thrown = error.cause instanceof Error ? error.cause : error
  return thrown.stack
}
