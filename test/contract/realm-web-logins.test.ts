import { ObjectId } from 'bson'
import type { Document } from 'mongodb'
import * as Realm from 'realm-web/dist/bundle.dom.cjs.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHttpBrowser, type HttpBrowser } from '../support/http-browser.ts'
import { createIdentityProviders, type IdentityProviders, type Person } from '../support/identity-providers.ts'
import {
  type EdgeUnderTest,
  hostKinds,
  startEdgeUnderTest,
  wireApp,
  wireClients,
  wireRedirect,
} from './edge-under-test.ts'

// An edge that is only known by its address asks the real providers.
const ownHosts = hostKinds.filter((kind) => kind !== 'remote')
const client = '/api/client/v2.0'
const exchange = 'error exchanging access code with OAuth2 provider'
const info = 'error fetching info from OAuth2 provider'

describe.each(ownHosts)('identity providers, by realm-web 2.0.1 on %s', (kind) => {
  let edge: EdgeUnderTest
  let providers: IdentityProviders
  beforeAll(async () => {
    providers = await createIdentityProviders(wireClients)
    edge = await startEdgeUnderTest(kind, { providers })
  })
  afterAll(() => edge?.close())

  /** An app in a page: its windows open in `browser` and end at the app's page, which hands them to the SDK. */
  function newPage(browser: HttpBrowser = createHttpBrowser(providers)) {
    const ends: string[] = []
    const storage = Realm.getEnvironment().defaultStorage.prefix(new ObjectId().toHexString())
    async function open(url: string): Promise<void> {
      const { url: end } = await browser.visit(url, wireRedirect)
      ends.push(end.href)
      Realm.handleAuthRedirect({ hash: end.hash } as Parameters<typeof Realm.handleAuthRedirect>[0], storage)
    }
    const environment = Realm.getEnvironment()
    Realm.setEnvironment({
      ...environment,
      openWindow: (url) => {
        void open(url)
        return null
      },
    })
    const app = new Realm.App({
      id: wireApp,
      baseUrl: edge.url,
      storage,
      fetch: browser.send,
    } as Realm.AppConfiguration)
    Realm.setEnvironment(environment)
    return { app, browser, ends }
  }

  const newPerson = (person: Partial<Person> = {}): Person => {
    const id = new ObjectId().toHexString()
    return { id, email: `ann-${id}@corp.example`, firstName: 'Ann', ...person }
  }

  const { Credentials } = Realm
  type ProviderType = 'oauth2-google' | 'oauth2-facebook' | 'oauth2-apple'
  const logins: [
    name: string,
    ProviderType,
    (person: Person) => Promise<Realm.Credentials>,
    (person: Person) => Document,
  ][] = [
    [
      'Google, by id token',
      'oauth2-google',
      async (person) => Credentials.google({ idToken: await providers.signIdToken('google', person) }),
      ({ email, firstName }) => ({ email, firstName }),
    ],
    [
      'Google, by the code of a popup',
      'oauth2-google',
      async (person) => Credentials.google({ authCode: providers.codeFor('google', person, 'postmessage') }),
      ({ email, firstName }) => ({ email, firstName }),
    ],
    [
      'Google, by redirect',
      'oauth2-google',
      async () => Credentials.google({ redirectUrl: wireRedirect }),
      ({ email, firstName }) => ({ email, firstName }),
    ],
    [
      'Facebook, by access token',
      'oauth2-facebook',
      async (person) => Credentials.facebook(providers.newAccessToken(person, wireClients.facebook.clientId)),
      ({ id, firstName }) => ({ firstName, pictureUrl: `https://platform-lookaside.fbsbx.com/${id}` }),
    ],
    [
      'Facebook, by redirect',
      'oauth2-facebook',
      async () => Credentials.facebook(wireRedirect),
      ({ id, firstName }) => ({ firstName, pictureUrl: `https://platform-lookaside.fbsbx.com/${id}` }),
    ],
    [
      'Apple, by id token',
      'oauth2-apple',
      async (person) => Credentials.apple(await providers.signIdToken('apple', person)),
      ({ email }) => ({ email }),
    ],
    ['Apple, by redirect', 'oauth2-apple', async () => Credentials.apple(wireRedirect), ({ email }) => ({ email })],
  ]

  it.each(logins)('logs in with %s: one user each time, whose session works', async (_, type, credentials, profile) => {
    const person = newPerson()
    providers.sitDown(person)
    const { app } = newPage()
    const user = await app.logIn(await credentials(person))
    expect(user.profile).toEqual(profile(person))
    expect(user.identities).toEqual([{ id: person.id, providerType: type }])
    expect(await user.callFunction('sum', 2, 3)).toBe(5)
    await user.refreshAccessToken()
    const again = await newPage().app.logIn(await credentials(person))
    expect(again.id).toBe(user.id)
    await user.logOut()
    expect(await again.callFunction('sum', 1, 1)).toBe(2)
  })

  it.each(logins)('links an anonymous user with %s', async (_, type, credentials) => {
    const person = newPerson()
    providers.sitDown(person)
    const { app } = newPage()
    const user = await app.logIn(Credentials.anonymous())
    await user.linkCredentials(await credentials(person))
    expect(user.identities.map((identity) => identity.providerType)).toEqual(['anon-user', type])
    expect((await newPage().app.logIn(await credentials(person))).id).toBe(user.id)
  })

  it('tells authentication triggers of a new user and of each login', async () => {
    const person = newPerson()
    providers.sitDown(person)
    const user = await newPage().app.logIn(Credentials.google({ redirectUrl: wireRedirect }))
    const seen = () => edge.client?.db('wire').collection('logins').find({ user: user.id }).sort({ type: 1 }).toArray()
    await expect
      .poll(async () => (await seen())?.map(({ type }) => type), { timeout: 5_000 })
      .toEqual(['CREATE', 'LOGIN'])
  })

  it('takes the code of a native library of Apple, which the Web SDK has no name for', async () => {
    const person = newPerson()
    const response = await fetch(`${edge.url}${client}/app/${wireApp}/auth/providers/oauth2-apple/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ authCode: providers.codeFor('apple', person, '') }),
    })
    expect([response.status, await response.json()]).toEqual([
      200,
      {
        access_token: expect.any(String),
        refresh_token: expect.any(String),
        user_id: expect.any(String),
        device_id: '0'.repeat(24),
      },
    ])
  })

  it.each<[string, (person: Person) => Promise<Realm.Credentials>, string]>([
    [
      "Google's id token for another client",
      async (person) =>
        Credentials.google({ idToken: await providers.signIdToken('google', person, { clientId: 'x' }) }),
      'unauthorized',
    ],
    [
      "Google's id token of another domain",
      async (person) =>
        Credentials.google({
          idToken: await providers.signIdToken('google', { ...person, email: 'ann@other.example' }),
        }),
      'unauthorized',
    ],
    ['a made-up code', async () => Credentials.google({ authCode: 'made up' }), exchange],
    [
      "Facebook's token for another app",
      async (person) => Credentials.facebook(providers.newAccessToken(person, 'another')),
      info,
    ],
    ['a made-up token of Facebook', async () => Credentials.facebook('made up'), info],
    [
      "Google's id token as Apple's",
      async (person) => Credentials.apple(await providers.signIdToken('google', person)),
      'unauthorized',
    ],
  ])('refuses %s', async (_, credentials, error) => {
    const refusal = newPage().app.logIn(await credentials(newPerson()))
    await expect(refusal).rejects.toMatchObject({ statusCode: 401, error, errorCode: 'AuthError' })
  })

  it('ends a link with a wrong credential instead of asking for ever', async () => {
    const { app } = newPage()
    const user = await app.logIn(Credentials.anonymous())
    await expect(user.linkCredentials(Credentials.apple('made up'))).rejects.toMatchObject({
      statusCode: 401,
      error: 'Authentication failed',
    })
    await expect(
      user.linkCredentials(Credentials.emailPassword('nobody@example.org', 'password')),
    ).rejects.toMatchObject({
      statusCode: 401,
      error: 'invalid username/password',
      errorCode: 'InvalidPassword',
    })
    expect(await user.callFunction('sum', 1, 1)).toBe(2)
  })

  describe('by redirect', () => {
    const login = (query: Record<string, string>) =>
      `${edge.url}${client}/app/${wireApp}/auth/providers/oauth2-google/login?${new URLSearchParams(query)}`
    const fragmentOf = (url: URL) => Object.fromEntries(new URLSearchParams(url.hash.slice(1)))

    it('asks Google with PKCE and a nonce, and sends the tokens in the fragment alone', async () => {
      providers.sitDown(newPerson())
      const browser = createHttpBrowser(providers)
      const { url, trail } = await browser.visit(login({ redirect: wireRedirect, state: 'abc' }), wireRedirect)
      expect(fragmentOf(url)).toEqual({
        _baas_client_app_id: wireApp,
        _baas_state: 'abc',
        _baas_ua: expect.stringMatching(/^[\w.-]+\$[\w.-]+\$[0-9a-f]{24}\$0{24}$/),
      })
      const [, authorize = ''] = trail
      expect(Object.fromEntries(new URL(authorize).searchParams)).toEqual({
        response_type: 'code',
        client_id: wireClients.google.clientId,
        redirect_uri: `${edge.url}${client}/auth/callback`,
        scope: 'openid email profile',
        state: expect.stringMatching(/^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/),
        nonce: expect.stringMatching(/^\w{43}$/),
        code_challenge: expect.stringMatching(/^[\w-]{43}$/),
        code_challenge_method: 'S256',
      })
      expect(trail.slice(0, -1).filter((address) => address.includes('_baas'))).toEqual([])
      expect(browser.cookies.size).toBe(0)
    })

    it.each<[string, Person, string]>([
      ['the person declines', newPerson({ declines: true }), 'access_denied'],
      ['the account is of another domain', newPerson({ email: 'ann@other.example' }), 'unauthorized'],
    ])('tells the page when %s', async (_, person, error) => {
      providers.sitDown(person)
      const { url } = await createHttpBrowser(providers).visit(
        login({ redirect: wireRedirect, state: 'abc' }),
        wireRedirect,
      )
      expect(fragmentOf(url)).toEqual({ _baas_client_app_id: wireApp, _baas_state: 'abc', _baas_error: error })
    })

    it.each<[string, Record<string, string>, Record<string, string>, number]>([
      ['an address that is not listed', { redirect: 'https://evil.example/' }, {}, 400],
      ['a listed address with something behind it', { redirect: `${wireRedirect}/more` }, {}, 400],
      ['a listed address with a query', { redirect: `${wireRedirect}?next=//evil.example` }, {}, 400],
      ['no address', {}, {}, 400],
      ['no address, from a page that is listed', {}, { Referer: wireRedirect }, 302],
      ['a state that is too long', { redirect: wireRedirect, state: 'a'.repeat(600) }, {}, 400],
    ])('answers %s without sending the browser anywhere else', async (_, query, headers, status) => {
      const response = await fetch(login(query), { redirect: 'manual', headers })
      const location = response.headers.get('location')
      expect([response.status, location === null ? '' : new URL(location).host]).toEqual([
        status,
        status === 302 ? 'accounts.google.com' : '',
      ])
    })

    it('refuses a way back that was changed, was used, or belongs to another browser', async () => {
      providers.sitDown(newPerson())
      const callbackOf = async () => {
        const browser = createHttpBrowser(providers)
        const { trail } = await browser.visit(login({ redirect: wireRedirect }), `${edge.url}${client}/auth/callback`)
        return { browser, url: trail.at(-1) ?? '' }
      }
      const ask = async (browser: HttpBrowser, url: string) => {
        const response = await browser.send(url)
        const location = response.headers.get('location')
        return location === null ? response.status : fragmentOf(new URL(location))
      }
      const own = await callbackOf()
      const refused = {
        _baas_client_app_id: wireApp,
        _baas_error: 'this login was started by another browser, or was used before',
      }
      expect(await ask(createHttpBrowser(providers), own.url)).toEqual(refused)
      expect(await ask(own.browser, own.url.replace(/state=[^&]{12}/, '$&A'))).toBe(401)
      expect(await ask(own.browser, `${edge.url}${client}/auth/callback`)).toBe(401)
      const replaying = createHttpBrowser(providers)
      for (const [name, cookie] of own.browser.cookies) replaying.cookies.set(name, cookie)
      expect(await ask(own.browser, own.url)).toEqual({
        _baas_client_app_id: wireApp,
        _baas_ua: expect.any(String),
      })
      expect(await ask(replaying, own.url)).toEqual(refused)
    })

    it('links nothing by a browser that did not start, and nothing after a logout', async () => {
      const attacker = newPage()
      const user = await attacker.app.logIn(Credentials.anonymous())
      const start = async (browser: HttpBrowser) => {
        const query = { link: 'true', redirect: wireRedirect, state: 'abc', providerRedirectHeader: 'true' }
        const headers = { Authorization: `Bearer ${user.accessToken}`, Origin: 'http://localhost:5173' }
        const response = await browser.send(login(query), { headers })
        return {
          status: response.status,
          cors: [
            response.headers.get('access-control-allow-origin'),
            response.headers.get('access-control-allow-credentials'),
            response.headers.get('access-control-expose-headers')?.includes('X-Baas-Location'),
          ],
          url: response.headers.get('x-baas-location') ?? '',
        }
      }
      const victim = newPerson()
      providers.sitDown(victim)
      const started = await start(attacker.browser)
      expect([started.status, started.cors]).toEqual([200, ['http://localhost:5173', 'true', true]])
      const elsewhere = await createHttpBrowser(providers).visit(started.url, wireRedirect)
      expect(fragmentOf(elsewhere.url)).toMatchObject({ _baas_error: expect.stringContaining('another browser') })
      const late = await start(attacker.browser)
      await user.logOut()
      const { url } = await attacker.browser.visit(late.url, wireRedirect)
      expect(fragmentOf(url)).toMatchObject({ _baas_error: 'invalid session', _baas_link: 'true' })
      const own = await newPage().app.logIn(Credentials.google({ redirectUrl: wireRedirect }))
      expect(own.id).not.toBe(user.id)
    })

    it('asks for a session before it starts a link, and answers the preflight of that call', async () => {
      const query = { link: 'true', redirect: wireRedirect, providerRedirectHeader: 'true' }
      expect((await fetch(login(query))).status).toBe(401)
      const preflight = await fetch(login(query), {
        method: 'OPTIONS',
        headers: {
          Origin: 'http://localhost:5173',
          'Access-Control-Request-Method': 'GET',
          'Access-Control-Request-Headers': 'authorization',
        },
      })
      expect([
        preflight.status,
        preflight.headers.get('access-control-allow-origin'),
        preflight.headers.get('access-control-allow-credentials'),
      ]).toEqual([204, 'http://localhost:5173', 'true'])
    })
  })
})
