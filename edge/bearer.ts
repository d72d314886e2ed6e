import type { AccessTokenVerifier } from '../runtime/tokens/verify-access-token.ts'
import type { Tokens } from '../runtime/users/tokens.ts'
import type { Bearer } from './host-request.ts'

export interface BearerVerifiers {
  /** Verifies the session tokens that the host signs. */
  tokens: Pick<Tokens, 'verify'>
  /** Verifies access tokens of identity providers. */
  accessTokens: AccessTokenVerifier
}

/**
 * Reads an `Authorization` header. Any scheme but Bearer counts as none; another app's token is invalid. A token whose
 * `iss` is a configured issuer is that issuer's and no other's.
 */
export async function readBearer(
  header: string | undefined,
  { tokens, accessTokens }: BearerVerifiers,
  clientAppId: string,
): Promise<Bearer> {
  const scheme = /^bearer(?:\s+(.*))?$/i.exec(header?.trim() ?? '')
  if (scheme === null) return { state: 'none' }
  const token = scheme[1] ?? ''
  const verdict = await accessTokens.verify(token)
  if (verdict.kind === 'valid') return { state: 'external', claims: verdict.claims }
  if (verdict.kind !== 'foreign') return { state: verdict.kind }
  const verified = await tokens.verify(token)
  if (verified === undefined || verified.claims.app !== clientAppId) return { state: 'invalid' }
  if (verified.expired) return { state: 'expired' }
  return verified.kind === 'access'
    ? { state: 'access', claims: verified.claims }
    : { state: 'refresh', claims: verified.claims }
}
