import { AppError } from '../../../runtime/errors.ts'
import type { AccessTokenClaims, RefreshTokenClaims } from '../../../runtime/users/tokens.ts'
import { UncodedError } from '../../error-body.ts'
import type { HostRequest } from '../../host-request.ts'

const unauthorized = 401

/** @throws {UncodedError} without a token; {AppError} `InvalidSession`, at which an SDK refreshes its access token */
export function accessClaims(request: HostRequest): AccessTokenClaims {
  const { bearer } = request
  if (bearer.state === 'none') throw noBearer()
  if (bearer.state === 'unavailable')
    throw new AppError('InternalServerError', 'the identity provider does not answer', { status: 503 })
  if (bearer.state !== 'access') throw new AppError('InvalidSession', 'invalid session')
  return bearer.claims
}

/** Refuses before the body is looked at. @throws as `accessClaims` */
export function assertBearer(request: HostRequest): void {
  if (request.bearer.state !== 'external') accessClaims(request)
}

/** @throws {UncodedError} without a token or for an access token; {AppError} `InvalidSession` */
export function refreshClaims(request: HostRequest): RefreshTokenClaims {
  const { bearer } = request
  if (bearer.state === 'none') throw noBearer()
  if (bearer.state === 'access' || bearer.state === 'external')
    throw new UncodedError(unauthorized, 'invalid refresh token: incorrect token type')
  if (bearer.state !== 'refresh') throw new AppError('InvalidSession', 'invalid session')
  return bearer.claims
}

export function noRefreshToken(): AppError {
  return new AppError('InvalidSession', 'invalid session: failed to find refresh token')
}

function noBearer(): UncodedError {
  return new UncodedError(unauthorized, 'expected Authorization header with JWT (Bearer schema)')
}
