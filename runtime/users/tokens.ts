import type { Document } from 'bson'
import { jwtVerify, SignJWT } from 'jose'

export const accessTokenLifetimeMs = 30 * 60_000
/** The Web SDK wants a string; this edge keeps no device list. */
export const noDeviceId = '000000000000000000000000'
const minSigningKeyBytes = 32

export interface AccessTokenClaims {
  /** Client app id. */
  app: string
  userId: string
  sessionId: string
  userData: Document | undefined
}

export interface RefreshTokenClaims {
  app: string
  userId: string
  sessionId: string
}

export interface NewAccessToken extends AccessTokenClaims {
  now: Date
}

export interface NewRefreshToken extends RefreshTokenClaims {
  identity: { id: string; provider_type: string; provider_id: string }
  now: Date
  expiresAt: Date
}

export type VerifiedToken =
  | { kind: 'access'; claims: AccessTokenClaims; expired: boolean }
  | { kind: 'refresh'; claims: RefreshTokenClaims; expired: boolean }

const seconds = (date: Date) => Math.floor(date.getTime() / 1000)

/**
 * Signs and verifies the session tokens of this edge (HS256).
 *
 * @throws {TypeError} when the key is shorter than 32 bytes
 */
export function createTokens(signingKey: string, now: () => Date) {
  const key = new TextEncoder().encode(signingKey)
  if (key.length < minSigningKeyBytes)
    throw new TypeError(`EDGE_SIGNING_KEY must have at least ${minSigningKeyBytes} bytes`)

  return {
    async signAccess(token: NewAccessToken): Promise<string> {
      return new SignJWT({
        baas_device_id: noDeviceId,
        baas_domain_id: token.app,
        iss: token.sessionId,
        stitch_devId: noDeviceId,
        stitch_domainId: token.app,
        sub: token.userId,
        typ: 'access',
        ...(token.userData !== undefined && { user_data: token.userData }),
      })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setIssuedAt(seconds(token.now))
        .setExpirationTime(seconds(token.now) + accessTokenLifetimeMs / 1000)
        .sign(key)
    },

    async signRefresh(token: NewRefreshToken): Promise<string> {
      return new SignJWT({
        baas_data: null,
        baas_device_id: noDeviceId,
        baas_domain_id: token.app,
        baas_id: token.sessionId,
        baas_identity: token.identity,
        stitch_data: null,
        stitch_devId: noDeviceId,
        stitch_domainId: token.app,
        stitch_id: token.sessionId,
        stitch_ident: token.identity,
        sub: token.userId,
        typ: 'refresh',
      })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setIssuedAt(seconds(token.now))
        .setExpirationTime(seconds(token.expiresAt))
        .sign(key)
    },

    /** The claims of a token this edge signed, or undefined. Never throws. */
    async verify(token: string): Promise<VerifiedToken | undefined> {
      try {
        // Expiry is looked at below: a session call answers an expired token differently from a forged one.
        const { payload } = await jwtVerify(token, key, { algorithms: ['HS256'], currentDate: new Date(0) })
        const app = payload.baas_domain_id
        const userId = payload.sub
        if (typeof app !== 'string' || typeof userId !== 'string' || typeof payload.exp !== 'number') return undefined
        const expired = payload.exp <= seconds(now())
        if (payload.typ === 'access' && typeof payload.iss === 'string') {
          const userData = isDocument(payload.user_data) ? payload.user_data : undefined
          return { kind: 'access', claims: { app, userId, sessionId: payload.iss, userData }, expired }
        }
        if (payload.typ === 'refresh' && typeof payload.baas_id === 'string')
          return { kind: 'refresh', claims: { app, userId, sessionId: payload.baas_id }, expired }
        return undefined
      } catch {
        return undefined
      }
    },
  }
}

export type Tokens = ReturnType<typeof createTokens>

function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
