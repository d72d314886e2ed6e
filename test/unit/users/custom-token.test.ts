import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { createCustomTokenVerifier } from '../../../runtime/users/custom-token.ts'
import type { AuthProvider, JsonObject } from '../../../schemas/app/definition.ts'

const now = new Date('2026-01-01T00:00:00Z')
const secret = 's'.repeat(32)
let pair: Awaited<ReturnType<typeof generateKeyPair>>
let pem: string
let jwks: string
beforeAll(async () => {
  pair = await generateKeyPair('RS256', { extractable: true })
  pem = await exportSPKI(pair.publicKey)
  jwks = JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }] })
})

function verifierOf(config: JsonObject, metadata_fields: AuthProvider['metadata_fields'] = []) {
  return createCustomTokenVerifier({
    provider: {
      name: 'custom-token',
      type: 'custom-token',
      disabled: false,
      config,
      secret_config: { signingKeys: ['unset', 'shared', 'pem'] },
      metadata_fields,
    },
    clientAppId: 'my-app',
    secret: (name) => ({ shared: secret, pem })[name],
    fetch: async () => new Response(jwks, { headers: { 'Content-Type': 'application/json' } }),
    now: () => now,
  })
}

interface Claims {
  [name: string]: unknown
}

function sign(claims: Claims, alg: 'HS256' | 'RS256' = 'HS256', key: string | typeof pair.privateKey = secret) {
  const all = { sub: 'me', aud: 'my-app', exp: now.getTime() / 1000 + 60, ...claims }
  return new SignJWT(all)
    .setProtectedHeader({ alg, kid: 'k1' })
    .sign(typeof key === 'string' ? new TextEncoder().encode(key) : key)
}

describe('custom tokens', () => {
  it.each<[string, JsonObject, Claims, boolean]>([
    ['the app id as audience', {}, {}, true],
    ['the app id among audiences', {}, { aud: ['x', 'my-app'] }, true],
    ['no audience', {}, { aud: undefined }, false],
    ['another audience', {}, { aud: 'x' }, false],
    ['all listed audiences', { audience: ['a', 'b'] }, { aud: ['a', 'b', 'c'] }, true],
    ['one of two listed audiences', { audience: ['a', 'b'] }, { aud: 'a' }, false],
    ['one of two where any will do', { audience: ['a', 'b'], requireAnyAudience: true }, { aud: 'a' }, true],
    ['no listed audience where any will do', { audience: ['a'], requireAnyAudience: true }, { aud: 'my-app' }, false],
    ['expired', {}, { exp: now.getTime() / 1000 - 1 }, false],
    ['without expiry', {}, { exp: undefined }, false],
    ['not valid yet', {}, { nbf: now.getTime() / 1000 + 60 }, false],
    ['without subject', {}, { sub: undefined }, false],
    ['an empty subject', {}, { sub: '' }, false],
  ])('%s', async (_, config, claims, isValid) => {
    const verified = await verifierOf({ signingAlgorithm: 'HS256', ...config }).verify(await sign(claims))
    expect(verified).toEqual(isValid ? { subject: 'me', data: {} } : undefined)
  })

  it('verifies RS256 with a key among the secrets, or from a JWKS address', async () => {
    const token = await sign({}, 'RS256', pair.privateKey)
    const expected = { subject: 'me', data: {} }
    expect(await verifierOf({ signingAlgorithm: 'RS256' }).verify(token)).toEqual(expected)
    expect(await verifierOf({ useJWKURI: true, jwkURI: 'https://issuer.example/jwks.json' }).verify(token)).toEqual(
      expected,
    )
  })

  it('refuses an HS256 token where RS256 is configured, though the public key signed it', async () => {
    const token = await sign({}, 'HS256', pem)
    expect(await verifierOf({ signingAlgorithm: 'RS256' }).verify(token)).toBeUndefined()
  })

  it.each(['', 'x', 'a.b.c', '..', 'eyJhbGciOiJub25lIn0.e30.'])('refuses %j', async (token) => {
    expect(await verifierOf({ signingAlgorithm: 'HS256' }).verify(token)).toBeUndefined()
  })

  it('maps metadata by path, escaped dots included', async () => {
    const fields = [
      { required: true, name: 'profile.name', field_name: 'fullName' },
      { required: false, name: 'https://x\\.example/role' },
      { required: false, name: 'missing.path' },
      { required: false, name: 'constructor' },
    ]
    const token = await sign({ profile: { name: 'Ann' }, 'https://x.example/role': 'boss' })
    expect(await verifierOf({ signingAlgorithm: 'HS256' }, fields).verify(token)).toEqual({
      subject: 'me',
      data: { fullName: 'Ann', 'https://x.example/role': 'boss' },
    })
  })

  it('refuses a token without a required field', async () => {
    const fields = [{ required: true, name: 'profile.name', field_name: 'name' }]
    expect(await verifierOf({ signingAlgorithm: 'HS256' }, fields).verify(await sign({}))).toBeUndefined()
  })
})
