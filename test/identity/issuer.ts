import type { webcrypto } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose'

export interface SigningKey {
  readonly kid: string
  readonly algorithm: 'RS256' | 'ES256'
  readonly privateKey: webcrypto.CryptoKey
  readonly publicKey: webcrypto.CryptoKey
  readonly jwk: JWK
}

export async function createKey(kid: string, algorithm: 'RS256' | 'ES256' = 'RS256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  return {
    kid,
    algorithm,
    privateKey,
    publicKey,
    jwk: { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' },
  }
}

export interface Issuer {
  /** With its slash. */
  readonly url: string
  readonly jwksUri: string
  /** Requests for the key set so far. */
  fetches(): number
  /** What the key set holds from now on. */
  publish(keys: readonly SigningKey[]): void
  /** Makes the key set answer 500. */
  fail(failing: boolean): void
  close(): Promise<void>
}

/** A provider's public face: discovery and key set, over HTTP on a free port. */
export async function startIssuer(keys: readonly SigningKey[]): Promise<Issuer> {
  let published = keys
  let fetches = 0
  let failing = false
  const server = createServer((request, response) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const jwksUri = `${url}.well-known/jwks.json`
    response.setHeader('Content-Type', 'application/json')
    if (request.url === '/.well-known/openid-configuration')
      response.end(JSON.stringify({ issuer: url, jwks_uri: jwksUri, id_token_signing_alg_values_supported: ['RS256'] }))
    else if (request.url === '/.well-known/jwks.json') {
      fetches++
      if (failing) response.statusCode = 500
      response.end(JSON.stringify({ keys: published.map(({ jwk }) => jwk) }))
    } else {
      response.statusCode = 404
      response.end('{}')
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return {
    url,
    jwksUri: `${url}.well-known/jwks.json`,
    fetches: () => fetches,
    publish(next) {
      published = next
    },
    fail(now) {
      failing = now
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export const audience = 'https://api.example.com/'
export const namespace = 'https://example.com/'

export const seconds = () => Math.floor(Date.now() / 1000)

/** The claims of an access token in Auth0's own profile. `undefined` takes a claim away. */
export function claimsOf(issuer: string, overrides: JWTPayload = {}): JWTPayload {
  const now = seconds()
  return {
    iss: issuer,
    sub: 'auth0|ada',
    aud: audience,
    iat: now,
    exp: now + 600,
    azp: 'client-of-the-app',
    scope: 'openid profile',
    ...overrides,
  }
}

export function sign(key: SigningKey, payload: JWTPayload, header: Partial<JWTHeaderParameters> = {}): Promise<string> {
  return new SignJWT(payload)
    .setProtectedHeader({ alg: key.algorithm, typ: 'JWT', kid: key.kid, ...header })
    .sign(key.privateKey)
}
