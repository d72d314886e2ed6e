import { decodeJwt, type JWTPayload, jwtVerify } from 'jose'
import type { IdentityProvider } from '../../schemas/app/identity-providers.ts'
import { type ExternalClaims, readExternalClaims } from './external-claims.ts'
import { createKeySet, KeySetUnavailableError } from './key-set.ts'

/** No issuer needs more for an access token; what is longer is not looked into. */
export const maxAccessTokenLength = 16 * 1024

export type AccessTokenVerdict =
  /** Not a token of a configured issuer. */
  | { kind: 'foreign' }
  | { kind: 'invalid' }
  /** The issuer's keys cannot be read: nothing is known about the token. */
  | { kind: 'unavailable' }
  | { kind: 'valid'; claims: ExternalClaims }

export interface AccessTokenOptions {
  providers: readonly IdentityProvider[]
  fetch: typeof fetch
  now: () => Date
}

/**
 * Verifies access tokens of the configured issuers as Auth0's own middleware does (spec: clients 1.10): signature by the
 * issuer's published key, algorithm by allow-list, `iss`, `aud`, `exp`, `nbf` and `iat` within the tolerance. It is
 * stricter in what that leaves open: a token that says what else it is (an ID token, a logout token), one without `sub`
 * or `iat`, and one from the future are refused.
 */
export function createAccessTokenVerifier({ providers, fetch, now }: AccessTokenOptions) {
  const byIssuer = new Map(
    providers.map((provider) => [provider.issuer, { provider, keys: createKeySet(provider.jwksUri, fetch, now) }]),
  )

  return {
    /** Never throws. */
    async verify(token: string): Promise<AccessTokenVerdict> {
      const issuer = byIssuer.size === 0 ? undefined : issuerOf(token)
      const known = issuer === undefined ? undefined : byIssuer.get(issuer)
      if (known === undefined) return { kind: 'foreign' }
      if (token.length > maxAccessTokenLength) return { kind: 'invalid' }
      const { provider, keys } = known
      try {
        const { payload, protectedHeader } = await jwtVerify(token, keys, {
          issuer: provider.issuer,
          audience: provider.audience,
          algorithms: [...provider.algorithms],
          clockTolerance: provider.clockToleranceSeconds,
          currentDate: now(),
          requiredClaims: ['exp', 'iat'],
        })
        const latest = now().getTime() / 1000 + provider.clockToleranceSeconds
        if (!isAccessToken(payload, protectedHeader.typ) || payload.iat > latest) return { kind: 'invalid' }
        return { kind: 'valid', claims: readExternalClaims(payload, provider) }
      } catch (error) {
        return { kind: error instanceof KeySetUnavailableError ? 'unavailable' : 'invalid' }
      }
    },
  }
}

export type AccessTokenVerifier = ReturnType<typeof createAccessTokenVerifier>

function issuerOf(token: string): string | undefined {
  try {
    const { iss } = decodeJwt(token)
    return typeof iss === 'string' ? iss : undefined
  } catch {
    return undefined
  }
}

/** Headers of access tokens: RFC 9068 names them, the classic form says JWT or nothing. */
const accessTokenTypes = new Set<string | undefined>([undefined, 'jwt', 'at+jwt', 'application/at+jwt'])

type AccessTokenPayload = JWTPayload & { sub: string; exp: number; iat: number }

function isAccessToken(payload: JWTPayload, type: string | undefined): payload is AccessTokenPayload {
  const hasClaims = typeof payload.sub === 'string' && payload.sub !== '' && typeof payload.iat === 'number'
  // Claims that only an ID token has (OpenID Connect Core 2); an API that shares its audience with a client sees both.
  const isIdToken = payload.nonce !== undefined || payload.at_hash !== undefined || payload.c_hash !== undefined
  return hasClaims && !isIdToken && accessTokenTypes.has(type?.toLowerCase())
}
