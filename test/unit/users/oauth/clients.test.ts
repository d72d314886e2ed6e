import { beforeAll, describe, expect, it } from 'vitest'
import type { OAuthProviderType } from '../../../../runtime/users/oauth/endpoints.ts'
import { createOAuthClient } from '../../../../runtime/users/oauth/index.ts'
import type { OAuthProof } from '../../../../runtime/users/oauth/oauth-client.ts'
import type { AuthProvider } from '../../../../schemas/app/definition.ts'
import { createIdentityProviders, type IdentityProviders, type Person } from '../../../support/identity-providers.ts'

const client = { clientId: 'client-1', clientSecret: 'hush' }
const callbackUrl = 'https://edge.example/api/client/v2.0/auth/callback'
let providers: IdentityProviders
beforeAll(async () => {
  providers = await createIdentityProviders({ google: client, facebook: client, apple: client })
})

function clientOf(type: OAuthProviderType, settings: Partial<AuthProvider> = {}, secrets = { secret: 'hush' }) {
  const provider: AuthProvider = {
    name: type,
    type,
    disabled: false,
    config: { clientId: 'client-1' },
    secret_config: { clientSecret: 'secret' },
    metadata_fields: [
      { required: true, name: 'email' },
      { required: false, name: 'first_name' },
    ],
    ...settings,
  }
  return createOAuthClient(type, {
    provider,
    secret: (name) => new Map(Object.entries(secrets)).get(name),
    now: () => new Date(),
    fetch: async (input, init) => {
      const answer = await providers.handle(new Request(input, init))
      if (answer === undefined) throw new TypeError('fetch failed')
      return answer
    },
  })
}

const ann: Person = { id: '42', email: 'ann@corp.example', firstName: 'Ann' }
const exchange = 'error exchanging access code with OAuth2 provider'
const info = 'error fetching info from OAuth2 provider'
const idToken = (token: string): OAuthProof => ({ kind: 'id-token', token })
const accessToken = (token: string): OAuthProof => ({ kind: 'access-token', token })
const code = (value: string): OAuthProof => ({ kind: 'code', grant: { code: value } })

/** The account, or the text of the refusal. */
async function outcome(run: () => Promise<unknown>): Promise<unknown> {
  try {
    return await run()
  } catch (error) {
    return error instanceof Error ? error.message : error
  }
}

describe('Google', () => {
  const google = (settings?: Partial<AuthProvider>) => clientOf('oauth2-google', settings)
  const account = { subject: '42', data: { email: 'ann@corp.example', first_name: 'Ann' } }

  it.each<[string, Parameters<IdentityProviders['signIdToken']>[2], unknown]>([
    ['a valid id token', {}, account],
    ['the issuer without scheme', { claims: { iss: 'accounts.google.com' } }, account],
    [
      'a field that the account has not',
      { claims: { given_name: undefined } },
      { ...account, data: { email: ann.email } },
    ],
    ['another issuer', { claims: { iss: 'https://evil.example' } }, 'unauthorized'],
    ['another client', { clientId: 'client-2' }, 'unauthorized'],
    ['an expired id token', { expiresInSeconds: -1 }, 'unauthorized'],
    ['an id token of nobody', { claims: { sub: undefined } }, 'unauthorized'],
  ])('%s', async (_, token, expected) => {
    const signed = await providers.signIdToken('google', ann, token)
    expect(await outcome(() => google().verify(idToken(signed)))).toEqual(expected)
  })

  it.each<[string, Person, boolean]>([
    ['an allowed domain', ann, true],
    ['another domain', { ...ann, email: 'ann@other.example' }, false],
    ['a domain that only ends alike', { ...ann, email: 'ann@evilcorp.example' }, false],
    ['an unverified address', { ...ann, emailVerified: false }, false],
    ['no address', { id: '42' }, false],
  ])('where domains are restricted: %s', async (_, person, isAllowed) => {
    const restricted = google({ domain_restrictions: ['corp.example'] })
    const proof = idToken(await providers.signIdToken('google', person))
    expect((await outcome(() => restricted.verify(proof))) !== 'unauthorized').toBe(isAllowed)
  })

  it.each<[string, string, string[]]>([
    ['of a popup', 'postmessage', ['openid', 'email']],
    ['of a native library', '', ['openid', 'email']],
    ['that was asked for without openid', 'postmessage', ['email']],
  ])('redeems a code %s, once', async (_, redirect, scopes) => {
    const value = providers.codeFor('google', ann, redirect, scopes)
    expect(await google().verify(code(value))).toEqual(account)
    expect(await outcome(() => google().verify(code(value)))).toBe(exchange)
  })

  it('asks Google for what the id token leaves out', async () => {
    const value = providers.codeFor('google', { ...ann, lastName: 'Lee' }, 'postmessage')
    const named = google({ metadata_fields: [{ required: true, name: 'last_name' }] })
    expect(await named.verify(code(value))).toEqual({ subject: '42', data: { last_name: 'Lee' } })
  })

  it.each<[string, Partial<AuthProvider>, Record<string, string>]>([
    ['the client id', { config: {} }, { secret: 'hush' }],
    ["the secret's name", { secret_config: {} }, { secret: 'hush' }],
    ['the secret', {}, {}],
    ['the right secret', {}, { secret: 'guess' }],
  ])('refuses codes without %s', async (_, settings, secrets) => {
    const without = clientOf('oauth2-google', settings, secrets as { secret: string })
    expect(await outcome(() => without.verify(code(providers.codeFor('google', ann, 'postmessage'))))).toBe(exchange)
  })

  it('refuses everything without a client id, and access tokens always', async () => {
    const proof = idToken(await providers.signIdToken('google', ann))
    expect(await outcome(() => google({ config: {} }).verify(proof))).toBe('unauthorized')
    const foreign = accessToken(providers.newAccessToken(ann, 'client-1'))
    expect(await outcome(() => google().verify(foreign))).toBe('unauthorized')
  })

  it('asks for the scopes that the metadata needs, with PKCE and a nonce', () => {
    const request = { callbackUrl, state: 's', codeChallenge: 'c', nonce: 'n' }
    expect(google().authorizationUrl(request)).toBe(
      `https://accounts.google.com/o/oauth2/v2/auth?${new URLSearchParams({
        response_type: 'code',
        client_id: 'client-1',
        redirect_uri: callbackUrl,
        scope: 'openid email profile',
        state: 's',
        nonce: 'n',
        code_challenge: 'c',
        code_challenge_method: 'S256',
      })}`,
    )
    expect(google({ metadata_fields: [] }).authorizationUrl(request)).toContain('scope=openid&')
  })

  it.each<[string, { nonce: string; codeVerifier: string }]>([
    ['another nonce', { nonce: 'other', codeVerifier: 'v'.repeat(43) }],
    ['another verifier', { nonce: 'n', codeVerifier: 'w'.repeat(43) }],
  ])('refuses the code of a redirect with %s', async (_, { nonce, codeVerifier }) => {
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode('v'.repeat(43))))
    const codeChallenge = Buffer.from(hash).toString('base64url')
    const redeem = async (grant: { nonce: string; codeVerifier: string }) => {
      providers.sitDown(ann)
      const request = { callbackUrl, state: 's', codeChallenge, nonce: 'n' }
      const sent = await providers.handle(new Request(google().authorizationUrl(request)))
      const value = new URL(sent?.headers.get('location') ?? '').searchParams.get('code') ?? ''
      return outcome(() => google().verify({ kind: 'code', grant: { code: value, callbackUrl, ...grant } }))
    }
    expect(await redeem({ nonce: 'n', codeVerifier: 'v'.repeat(43) })).toEqual(account)
    expect(await redeem({ nonce, codeVerifier })).toMatch(/^error /)
  })

  it('says that the provider does not answer, when it does not', async () => {
    const silent = createOAuthClient('oauth2-google', {
      provider: {
        name: 'g',
        type: 'oauth2-google',
        disabled: false,
        config: { clientId: 'client-1' },
        secret_config: { clientSecret: 'secret' },
        metadata_fields: [],
      },
      secret: () => 'hush',
      now: () => new Date(),
      fetch: async () => new Response('overloaded', { status: 502 }),
    })
    await expect(silent.verify(code('x'))).rejects.toMatchObject({ code: 'InternalServerError', status: 503 })
  })
})

describe('Facebook', () => {
  const facebook = (settings?: Partial<AuthProvider>) => clientOf('oauth2-facebook', settings)
  const names = ['email', 'first_name', 'picture', 'min_age', 'max_age']

  it('takes an access token that was made for this app, and reads the profile', async () => {
    const wishes = facebook({ metadata_fields: names.map((name) => ({ name, required: true })) })
    expect(await wishes.verify(accessToken(providers.newAccessToken(ann, 'client-1')))).toEqual({
      subject: '42',
      data: {
        email: 'ann@corp.example',
        first_name: 'Ann',
        picture: 'https://platform-lookaside.fbsbx.com/42',
        min_age: 21,
      },
    })
  })

  it.each<[string, () => string, Partial<AuthProvider>, Record<string, string>, string]>([
    ['another app', () => providers.newAccessToken(ann, 'client-2'), {}, { secret: 'hush' }, info],
    ['nobody', () => 'made up', {}, { secret: 'hush' }, info],
    ['an app whose secret is wrong', () => providers.newAccessToken(ann, 'client-1'), {}, { secret: 'guess' }, info],
    ['an app without its secret', () => providers.newAccessToken(ann, 'client-1'), {}, {}, exchange],
    [
      'an account of another domain',
      () => providers.newAccessToken(ann, 'client-1'),
      { domain_restrictions: ['other.example'] },
      { secret: 'hush' },
      'unauthorized',
    ],
  ])('refuses the access token of %s', async (_, token, settings, secrets, message) => {
    const refusing = clientOf('oauth2-facebook', settings, secrets as { secret: string })
    expect(await outcome(() => refusing.verify(accessToken(token())))).toBe(message)
  })

  it('refuses id tokens', async () => {
    expect(await outcome(() => facebook().verify(idToken('x')))).toBe('unauthorized')
  })

  it('asks for the permissions that the metadata needs', () => {
    const wishes = facebook({ metadata_fields: [...names, 'birthday'].map((name) => ({ name, required: true })) })
    expect(wishes.authorizationUrl({ callbackUrl, state: 's', codeChallenge: 'c', nonce: 'n' })).toBe(
      `https://www.facebook.com/dialog/oauth?${new URLSearchParams({
        response_type: 'code',
        client_id: 'client-1',
        redirect_uri: callbackUrl,
        scope: 'public_profile,email,user_birthday,user_age_range',
        state: 's',
      })}`,
    )
  })
})

describe('Apple', () => {
  const apple = (settings?: Partial<AuthProvider>) => clientOf('oauth2-apple', settings)

  it('takes id tokens and codes, whose addresses count when Apple has verified them', async () => {
    const account = { subject: '42', data: { email: 'ann@corp.example' } }
    expect(await apple().verify(idToken(await providers.signIdToken('apple', ann)))).toEqual(account)
    expect(await apple().verify(code(providers.codeFor('apple', ann, '')))).toEqual(account)
    const restricted = apple({ domain_restrictions: ['corp.example'] })
    expect(await restricted.verify(idToken(await providers.signIdToken('apple', ann)))).toEqual(account)
    const unverified = await providers.signIdToken('apple', { ...ann, emailVerified: false })
    expect(await outcome(() => restricted.verify(idToken(unverified)))).toBe('unauthorized')
  })

  it("refuses Google's id tokens, made-up codes and access tokens", async () => {
    expect(await outcome(async () => apple().verify(idToken(await providers.signIdToken('google', ann))))).toBe(
      'unauthorized',
    )
    expect(await outcome(() => apple().verify(code('made up')))).toBe(exchange)
    expect(await outcome(() => apple().verify(accessToken('x')))).toBe('unauthorized')
  })

  it.each<[string, AuthProvider['metadata_fields'], Record<string, string>]>([
    ['a query', [], { response_mode: 'query' }],
    [
      'a form where the address is asked for',
      [{ name: 'email', required: true }],
      { response_mode: 'form_post', scope: 'email' },
    ],
  ])('has its answer sent as %s', (_, metadata_fields, mode) => {
    const url = apple({ metadata_fields }).authorizationUrl({ callbackUrl, state: 's', codeChallenge: 'c', nonce: 'n' })
    expect(url).toBe(
      `https://appleid.apple.com/auth/authorize?${new URLSearchParams({
        response_type: 'code',
        ...mode,
        client_id: 'client-1',
        redirect_uri: callbackUrl,
        state: 's',
        nonce: 'n',
      })}`,
    )
  })
})
