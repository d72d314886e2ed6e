import { toDatabaseError } from '../runtime/data/database-error.ts'
import { AppError, type AppErrorCode } from '../runtime/errors.ts'

/** Statuses of the original service; 400 where nothing else is stated (spec: Data API 5 and 8). */
const statuses: Partial<Record<AppErrorCode, number>> = {
  APIKeyAlreadyExists: 409,
  APIKeyNotFound: 404,
  AccountNameInUse: 409,
  AuthError: 401,
  AuthProviderNotFound: 404,
  ExecutionTimeLimitExceeded: 504,
  FunctionNotFound: 404,
  IncomingWebhookAuthFailed: 401,
  InternalServerError: 500,
  InvalidPassword: 401,
  InvalidSession: 401,
  NoMatchingRuleFound: 403,
  UserDisabled: 401,
  UserNotFound: 404,
}

const serviceUnavailable = 503
const retryAfterSeconds = 2

/** A refusal that the original service sent without a code. */
export class UncodedError extends Error {
  override readonly name = 'UncodedError'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** A refusal as it goes out: everything a client may know, and nothing else. */
export interface ErrorAnswer {
  status: number
  error: string
  error_code: string | undefined
  retryAfterSeconds: number | undefined
}

/** Any thrown value as an answer. What is not an `AppError` is an internal error without detail. */
export function toErrorAnswer(error: unknown): ErrorAnswer {
  if (error instanceof UncodedError)
    return { status: error.status, error: error.message, error_code: undefined, retryAfterSeconds: undefined }
  const refusal = toRefusal(error)
  if (refusal === undefined)
    return {
      status: 500,
      error: 'internal server error',
      error_code: 'InternalServerError',
      retryAfterSeconds: undefined,
    }
  const status = refusal.status ?? statuses[refusal.code] ?? 400
  return {
    status,
    error: refusal.message,
    error_code: refusal.code,
    retryAfterSeconds: refusal.retryAfterSeconds ?? (status === serviceUnavailable ? retryAfterSeconds : undefined),
  }
}

/** What the driver throws in a user store counts only when the database did not answer; the rest is our own fault. */
function toRefusal(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error
  const databaseError = toDatabaseError(error)
  return databaseError.status === serviceUnavailable ? databaseError : undefined
}

/** The envelope `{error, error_code, link}` (spec: Data API 5). `link` names the log entry; absent without an app. */
export function errorResponse(answer: ErrorAnswer, link: string | undefined): Response {
  const { error, error_code } = answer
  const body = JSON.stringify({ error, ...(error_code && { error_code }), ...(link && { link }) })
  return new Response(body, { status: answer.status, headers: errorHeaders(answer, 'application/json', body) })
}

export function errorHeaders(answer: ErrorAnswer, contentType: string, body: string): Record<string, string> {
  return {
    'Content-Type': contentType,
    'Content-Length': String(new TextEncoder().encode(body).length),
    ...(answer.retryAfterSeconds !== undefined && { 'Retry-After': String(answer.retryAfterSeconds) }),
  }
}
