import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { createIdTokenVerifier } from '../../../runtime/users/id-token.ts'
import type { AuthProvider } from '../../../schemas/app/definition.ts'

const now = new Date('2026-01-01T00:00:00Z')
let pair: Awaited<ReturnType<typeof generateKeyPair>>
let jwks: string
const asked: string[] = []
beforeAll(async () => {
  pair = await generateKeyPair('RS256')
  jwks = JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }] })
})

function verifierOf(settings: Partial<AuthProvider> = {}) {
  const provider: AuthProvider = {
    name: 'oauth2-google',
    type: 'oauth2-google',
    disabled: false,
    config: { clientId: 'client-1', openId: true },
    secret_config: {},
    metadata_fields: [
      { required: true, name: 'email' },
      { required: false, name: 'first_name' },
    ],
    ...settings,
  }
  return createIdTokenVerifier('oauth2-google', {
    provider,
    now: () => now,
    fetch: async (url) => {
      asked.push(String(url))
      return new Response(jwks, { headers: { 'Content-Type': 'application/json' } })
    },
  })
}

const sign = (claims: Record<string, unknown>) =>
  new SignJWT({
    iss: 'https://accounts.google.com',
    aud: 'client-1',
    sub: '42',
    exp: now.getTime() / 1000 + 60,
    email: 'ann@corp.example',
    email_verified: true,
    given_name: 'Ann',
    ...claims,
  })
    .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
    .sign(pair.privateKey)

const ann = { subject: '42', data: { email: 'ann@corp.example', first_name: 'Ann' } }

describe('id tokens of Google', () => {
  it.each<[string, Record<string, unknown>, boolean]>([
    ['a valid one', {}, true],
    ['the issuer without scheme', { iss: 'accounts.google.com' }, true],
    ['another issuer', { iss: 'https://evil.example' }, false],
    ['another client', { aud: 'client-2' }, false],
    ['expired', { exp: now.getTime() / 1000 - 1 }, false],
    ['without a required field', { email: undefined }, false],
    ['without a subject', { sub: undefined }, false],
  ])('%s', async (_, claims, isValid) => {
    expect(await verifierOf().verify(await sign(claims))).toEqual(isValid ? ann : undefined)
    expect(new Set(asked)).toEqual(new Set(['https://www.googleapis.com/oauth2/v3/certs']))
  })

  it.each<[string, Record<string, unknown>, boolean]>([
    ['an allowed domain', {}, true],
    ['another domain', { email: 'ann@other.example' }, false],
    ['a domain that only ends alike', { email: 'ann@evilcorp.example' }, false],
    ['an unverified address', { email_verified: false }, false],
  ])('where domains are restricted: %s', async (_, claims, isValid) => {
    const verifier = verifierOf({ domain_restrictions: ['corp.example'] })
    expect((await verifier.verify(await sign(claims))) !== undefined).toBe(isValid)
  })

  it('refuses everything while no client id is configured', async () => {
    expect(await verifierOf({ config: {} }).verify(await sign({}))).toBeUndefined()
  })
})
