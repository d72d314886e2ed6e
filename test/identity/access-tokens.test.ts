import { type Document, MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestDatabase } from '../support/database.ts'
import { expectNoSecrets } from '../support/log-secrecy.ts'
import { startAuth0Middleware } from './auth0-middleware.ts'
import {
  hostKinds,
  type IdentityEdge,
  identityApp,
  identitySecrets,
  removeBundle,
  startIdentityEdge,
} from './identity-edge.ts'
import { audience, claimsOf, createKey, namespace, sign, startIssuer } from './issuer.ts'
import { type MatrixRow, type MatrixWorld, matrix } from './token-matrix.ts'

type Middleware = Awaited<ReturnType<typeof startAuth0Middleware>>

/** Who may read nothing is shown nothing; a write that rules refuse is the database's refusal, 400. */
function outcome(status: number, seen: boolean): number {
  return status === 400 || (status === 200 && !seen) ? 403 : status
}

async function ask(url: string, token: string, body?: unknown) {
  const response = await fetch(url, {
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, challenge: response.headers.get('www-authenticate'), text }
}

describe.each(hostKinds)('access tokens of identity providers on %s', (kind) => {
  let database: TestDatabase
  let client: MongoClient
  let edge: IdentityEdge
  let world: MatrixWorld
  let judges: Record<'RS256' | 'ES256', Middleware>
  const tokens: string[] = []

  beforeAll(async () => {
    const [current, next, stranger, elliptic] = await Promise.all([
      createKey('current'),
      createKey('next'),
      createKey('current'),
      createKey('elliptic', 'ES256'),
    ])
    const issuer = await startIssuer([current, elliptic])
    const otherIssuer = await startIssuer([stranger])
    const ellipticIssuer = await startIssuer([elliptic])
    world = { issuer, otherIssuer, ellipticIssuer, current, next, stranger, elliptic }
    judges = {
      RS256: await startAuth0Middleware(issuer, 'RS256'),
      ES256: await startAuth0Middleware(ellipticIssuer, 'ES256'),
    }
    database = await startTestDatabase()
    client = new MongoClient(database.uri)
    edge = await startIdentityEdge(kind, database.uri, {
      identityProviders: [
        { issuer: issuer.url, audience, claimsNamespace: namespace },
        { issuer: ellipticIssuer.url, audience, algorithms: ['ES256'] },
      ],
    })
  }, 60_000)
  afterAll(async () => {
    await edge?.close()
    await Promise.all([judges?.RS256.close(), judges?.ES256.close()])
    await Promise.all([world?.issuer.close(), world?.otherIssuer.close(), world?.ellipticIssuer.close()])
    await client?.close()
    await database?.close()
    await removeBundle()
  })

  const me = () => `${edge.url}/app/${identityApp}/endpoint/me`

  it.each(matrix)(
    'answers as Auth0 does: $name',
    async ({ token: make, status, auth0, algorithm = 'RS256' }: MatrixRow) => {
      const token = await make(world)
      tokens.push(token)
      const [own, theirs] = await Promise.all([ask(me(), token), ask(judges[algorithm].url, token)])
      expect([own.status, theirs.status]).toEqual([status, auth0?.status ?? status])
      if (status === 200) return
      expect(own.challenge).toBe('Bearer error="invalid_token"')
      expect(JSON.parse(own.text)).toEqual({
        error: 'invalid session',
        error_code: 'InvalidSession',
        link: expect.any(String),
      })
    },
  )

  const people: Document[] = [
    { auth0_id: 'auth0|viewer', role: 'viewer', is_active: true },
    { auth0_id: 'auth0|analyst', role: 'analyst', is_active: true, app_user_id: '0123456789abcdef01234567' },
    { auth0_id: 'auth0|admin', role: 'admin' },
    { auth0_id: 'auth0|inactive', role: 'admin', is_active: false },
    { auth0_id: 'auth0|deleted', role: 'admin', deleted_at: new Date() },
    { auth0_id: 'auth0|linked', role: 'analyst', identities: [{ user_id: 'google-oauth2|linked' }] },
    { auth0_id: 'machine@clients', role: 'admin' },
  ]

  const asking = [
    ['the role of the row', 'auth0|analyst', {}, [200, 403]],
    ['an administrator by row and claim', 'auth0|admin', { role: 'admin' }, [200, 201]],
    ['an administrator by row alone', 'auth0|admin', {}, [200, 201]],
    ['a claim above the row', 'auth0|viewer', { role: 'admin' }, [403, 403]],
    ['a claim below the row', 'auth0|admin', { role: 'analyst' }, [200, 403]],
    ['roles without a role', 'auth0|nobody', { roles: ['viewer', 'analyst'] }, [200, 403]],
    ['a claim without a row', 'auth0|nobody', { role: 'admin' }, [200, 201]],
    ['neither row nor claim', 'auth0|nobody', {}, [403, 403]],
    ['a role that is no text', 'auth0|nobody', { role: ['admin'] }, [403, 403]],
    ['an inactive row', 'auth0|inactive', { role: 'admin' }, [401, 401]],
    ['a deleted row', 'auth0|deleted', { role: 'admin' }, [401, 401]],
    ['a secondary account', 'google-oauth2|linked', {}, [200, 403]],
    ['a machine with the permission', 'machine@clients', { permissions: ['read:notes'] }, [200, 403]],
    ['a machine with the scope', 'machine@clients', { scope: 'read:notes write:notes' }, [200, 403]],
    [
      'a machine whose permissions beat its scope',
      'machine@clients',
      { permissions: [], scope: 'read:notes' },
      [403, 403],
    ],
    ['a machine without either, whatever row bears its name', 'machine@clients', {}, [403, 403]],
  ] as const

  describe('by row and claim, over the Data API and service calls', () => {
    beforeAll(async () => {
      const db = client.db('identity_test')
      await Promise.all([db.collection('people').deleteMany({}), db.collection('notes').deleteMany({})])
      await db.collection('people').insertMany(structuredClone(people))
      await db.collection('notes').insertOne({ text: 'a note' })
    })

    it.each(asking)('obeys the rules for %s', async (_, sub, given, [reads, writes]) => {
      const { role, roles, ...claims } = { role: undefined, roles: undefined, ...given }
      const payload = claimsOf(world.issuer.url, {
        sub,
        ...claims,
        // A bare role is never read.
        role: 'admin',
        [`${namespace}role`]: role,
        [`${namespace}roles`]: roles,
      })
      const token = await sign(world.current, payload)
      tokens.push(token)
      const target = { dataSource: 'Cluster0', database: 'identity_test', collection: 'notes' }
      const action = (name: string) => `${edge.url}/app/${identityApp}/endpoint/data/v1/action/${name}`
      const read = await ask(action('find'), token, { ...target, filter: {} })
      const written = await ask(action('insertOne'), token, { ...target, document: { text: 'mine' } })
      const fields = { database: 'identity_test', collection: 'notes' }
      const called = await ask(`${edge.url}/api/client/v2.0/app/${identityApp}/functions/call`, token, {
        service: 'mongodb-atlas',
        name: 'findOne',
        arguments: [{ ...fields, query: {} }],
      })
      const seen = (text: string) => text.includes('a note')
      expect([outcome(read.status, seen(read.text)), outcome(written.status, true)]).toEqual([reads, writes])
      expect(outcome(called.status, seen(called.text))).toBe(reads)
    })

    it('shows functions the person and the machine, under one id for linked accounts', async () => {
      const profile = async (sub: string) => {
        const token = await sign(
          world.current,
          claimsOf(world.issuer.url, { sub, org_id: 'org_1', permissions: ['p'] }),
        )
        return JSON.parse((await ask(me(), token)).text)
      }
      const common = { data: { issuer: world.issuer.url, client_id: 'client-of-the-app', org_id: 'org_1' } }
      const identity = (id: string) => [{ id, provider_type: 'custom-token', providerType: 'custom-token' }]
      expect(await profile('auth0|analyst')).toMatchObject({
        ...common,
        id: '0123456789abcdef01234567',
        type: 'normal',
        identities: identity('auth0|analyst'),
        custom_data: { role: 'analyst', permissions: ['p'], roles: [], org_id: 'org_1', auth0_id: 'auth0|analyst' },
      })
      expect(await profile('machine@clients')).toEqual({
        ...common,
        id: expect.stringMatching(/^[0-9a-f]{24}$/),
        type: 'server',
        identities: identity('machine@clients'),
        custom_data: { permissions: ['p'], roles: [], org_id: 'org_1' },
      })
      expect((await profile('google-oauth2|linked')).id).toBe((await profile('auth0|linked')).id)
    })
  })

  it('serves the profile of the client API, and keeps what belongs to its own sessions', async () => {
    const token = await sign(world.current, claimsOf(world.issuer.url))
    const api = `${edge.url}/api/client/v2.0/auth`
    expect((await ask(`${api}/profile`, token)).status).toBe(200)
    const refused = await Promise.all([
      ask(`${api}/session`, token, {}),
      fetch(`${api}/delete`, { method: 'DELETE', headers: { Authorization: `Bearer ${token}` } }),
      ask(`${edge.url}/api/client/v2.0/app/${identityApp}/auth/providers/anon-user/login?link=true`, token, {}),
    ])
    expect(refused.map(({ status }) => status)).toEqual([401, 400, 400])
  })

  it('never falls through to a key that comes along', async () => {
    const headers = { Authorization: 'Bearer opaque', 'api-key': 'whatever' }
    const answer = await fetch(me(), { headers })
    expect([answer.status, await answer.json()]).toEqual([401, expect.objectContaining({ error: 'invalid session' })])
  })

  it('follows a rotation at once, and forgets a withdrawn key', async () => {
    const [before, after] = await Promise.all([
      sign(world.current, claimsOf(world.issuer.url)),
      sign(world.next, claimsOf(world.issuer.url)),
    ])
    expect((await ask(me(), before)).status).toBe(200)
    world.issuer.publish([world.next])
    const statuses = async (token: string) => [
      (await ask(me(), token)).status,
      (await ask(judges.RS256.url, token)).status,
    ]
    expect(await statuses(after)).toEqual([200, 200])
    expect(await statuses(before)).toEqual([401, 401])
    world.issuer.publish([world.current, world.elliptic])
  })

  it('asks once for a kid that nobody knows, and answers from its keys while the provider is away', async () => {
    const token = await sign(world.elliptic, claimsOf(world.ellipticIssuer.url))
    const unknown = await sign(world.elliptic, claimsOf(world.ellipticIssuer.url), { kid: 'made-up' })
    expect((await ask(me(), token)).status).toBe(200)
    const fetched = world.ellipticIssuer.fetches()
    for (let i = 0; i < 5; i++) expect((await ask(me(), unknown)).status).toBe(401)
    expect(world.ellipticIssuer.fetches() - fetched).toBe(1)
    world.ellipticIssuer.fail(true)
    expect((await ask(me(), token)).status).toBe(200)
    world.ellipticIssuer.fail(false)
  })

  it('has logged no token, no secret and no address', () => {
    expectNoSecrets(edge.lines, [...tokens, ...Object.values(identitySecrets)])
  })
})
