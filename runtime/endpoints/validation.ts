import type { ValidationMethod } from '../../schemas/app/definition.ts'
import { AppError } from '../errors.ts'
import { constantTimeEqual, hmacSha256Hex } from '../users/hash.ts'
import { firstValues, parseQuery } from './query.ts'

export interface Validation {
  readonly validation_method: ValidationMethod
  readonly secret_name: string
}

export interface SignedRequest {
  readonly rawQuery: string
  /** The very bytes that were sent. */
  readonly body: Uint8Array
  /** `Endpoint-Signature`. */
  readonly signature: string | undefined
}

/**
 * Checks the shared secret or the signature (spec: HTTPS endpoints 3). While a signing secret is changed, the one named
 * `<secret_name>_previous` verifies too (spec: clients 1.6).
 *
 * @throws {AppError} `IncomingWebhookAuthFailed`, whatever was wrong, a secret nobody set included
 */
export async function assertValidRequest(
  validation: Validation,
  request: SignedRequest,
  secret: (name: string) => string | undefined,
): Promise<void> {
  if (validation.validation_method === 'NO_VALIDATION') return
  const { validation_method: method, secret_name } = validation
  const current = secret(secret_name)
  const previous = method === 'VERIFY_PAYLOAD' ? secret(`${secret_name}_previous`) : undefined
  // An old secret counts only beside a new one; and both are computed before either decides.
  const candidates = current ? [current, previous] : []
  const proofs = await Promise.all(candidates.map((value) => (value ? proves(method, request, value) : false)))
  if (!proofs.includes(true)) throw new AppError('IncomingWebhookAuthFailed', 'request validation failed')
}

async function proves(
  method: Exclude<ValidationMethod, 'NO_VALIDATION'>,
  request: SignedRequest,
  secret: string,
): Promise<boolean> {
  if (method === 'SECRET_AS_QUERY_PARAM')
    return constantTimeEqual(firstValues(parseQuery(request.rawQuery)).secret ?? '', secret)
  const digest = /^sha256=([0-9a-f]{64})$/i.exec(request.signature?.trim() ?? '')?.[1]
  const expected = await hmacSha256Hex(secret, request.body)
  return constantTimeEqual(digest?.toLowerCase() ?? '', expected)
}
