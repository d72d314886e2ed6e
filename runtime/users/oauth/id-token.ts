import { createRemoteJWKSet, customFetch, type JWTPayload, jwtVerify } from 'jose'
import type { OAuthClientOptions } from './oauth-client.ts'
import { clientIdsOf } from './provider-config.ts'

export interface Issuer {
  readonly issuers: readonly string[]
  /** Address of its public keys. */
  readonly keys: string
}

export type IdTokenClaims = JWTPayload & { sub: string }

const maxTokenLength = 100_000

/** Verifies the id tokens of one issuer: its keys, the app's client id as audience, expiry. */
export function createIdTokenVerifier(
  { issuers, keys: address }: Issuer,
  { provider, fetch, now }: Omit<OAuthClientOptions, 'secret'>,
) {
  const keys = createRemoteJWKSet(new URL(address), { [customFetch]: (url, init) => fetch(url, init) })
  const clientIds = clientIdsOf(provider)
  return {
    /**
     * The claims of a valid token; undefined for any other, whatever is wrong with it.
     *
     * @param nonce what the token must say where this edge has asked for it
     */
    async verify(token: string, nonce?: string): Promise<IdTokenClaims | undefined> {
      if (clientIds.length === 0 || token.length > maxTokenLength) return undefined
      const checks = {
        algorithms: ['RS256'],
        issuer: [...issuers],
        audience: clientIds,
        currentDate: now(),
        requiredClaims: ['exp'],
      }
      const verified = await jwtVerify(token, keys, checks).catch(() => undefined)
      const claims = verified?.payload
      if (claims === undefined || typeof claims.sub !== 'string' || claims.sub === '') return undefined
      if (nonce !== undefined && claims.nonce !== nonce) return undefined
      return { ...claims, sub: claims.sub }
    },
  }
}
