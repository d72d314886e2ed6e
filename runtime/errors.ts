/**
 * The refusals the product answers with. Status and wire form live in `edge/error-body.ts`.
 * Codes are those a client of the original service may switch on (spec: Data API 5, function runtime 9).
 */
export type AppErrorCode =
  | 'APIKeyAlreadyExists'
  | 'APIKeyNotFound'
  | 'AccountNameInUse'
  | 'ArgumentsNotAllowed'
  | 'AuthError'
  | 'AuthProviderNotFound'
  | 'BadRequest'
  | 'DomainNotAllowed'
  | 'ExecutionTimeLimitExceeded'
  | 'FunctionExecutionError'
  | 'FunctionInvalid'
  | 'FunctionMaxStackDepthError'
  | 'FunctionNotFound'
  | 'FunctionSyntaxError'
  | 'HTTPError'
  | 'IncomingWebhookAuthFailed'
  | 'InternalServerError'
  | 'InvalidParameter'
  | 'InvalidPassword'
  | 'InvalidSession'
  | 'MissingAuthReq'
  | 'MissingParameter'
  | 'MongoDBError'
  | 'NoMatchingRuleFound'
  | 'NotCallable'
  | 'ReadSizeLimitExceeded'
  | 'RestrictedHost'
  | 'SchemaValidationFailedRead'
  | 'SchemaValidationFailedWrite'
  | 'ServiceCommandNotFound'
  | 'ServiceNotFound'
  | 'ServiceTypeNotFound'
  | 'UserAlreadyConfirmed'
  | 'UserDisabled'
  | 'UserNotFound'
  | 'UserpassTokenInvalid'
  | 'ValueNotFound'

export interface AppErrorOptions {
  cause?: unknown
  /** HTTP status where the same code answers with different ones; default: the table of `edge/error-body.ts`. */
  status?: number
  /** Sent as `Retry-After`. */
  retryAfterSeconds?: number
  /** Structured detail for the log only; never sent to a client. */
  detail?: Record<string, unknown>
}

/** A refusal with a stable code. The message is sent to the client, so it never holds a secret, a URI or a stack. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: AppErrorCode
  readonly status: number | undefined
  readonly retryAfterSeconds: number | undefined
  readonly detail: Record<string, unknown> | undefined

  constructor(code: AppErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.status = options.status
    this.retryAfterSeconds = options.retryAfterSeconds
    this.detail = options.detail
  }
}
