import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ApiKeyStore } from '../../runtime/users/api-key-store.ts'
import type { KeyScope } from '../../runtime/users/key-scope.ts'
import { openUserState } from '../../runtime/users/state.ts'
import { startTestDatabase, type TestDatabase } from '../support/database.ts'
import { expectNoSecrets } from '../support/log-secrecy.ts'
import { hostKinds, type IdentityEdge, identityApp, removeBundle, startIdentityEdge } from './identity-edge.ts'

describe.each(hostKinds)('limited keys on %s', (kind) => {
  let database: TestDatabase
  let client: MongoClient
  let keys: ApiKeyStore
  let edge: IdentityEdge
  const made: string[] = []
  beforeAll(async () => {
    database = await startTestDatabase()
    client = new MongoClient(database.uri)
    keys = new ApiKeyStore(openUserState(client, identityApp))
    edge = await startIdentityEdge(kind, database.uri)
    await client.db('identity_test').collection('notes').insertOne({ text: 'a note' })
  }, 60_000)
  afterAll(async () => {
    await edge?.close()
    for (const key of await keys.list()) await keys.delete(key.id)
    await client?.close()
    await database?.close()
    await removeBundle()
  })

  async function create(scope: KeyScope = {}) {
    const key = await keys.createServerKey(`key-${made.length}`, { role: 'admin' }, new Date(), scope)
    made.push(key.key)
    return key
  }
  const post = (path: string, body: unknown, headers: Record<string, string>) =>
    fetch(`${edge.url}${path}`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'x-forwarded-for': '127.0.0.1',
        'cf-connecting-ip': '127.0.0.1',
        ...headers,
      },
      body: JSON.stringify(body),
    })
  const act = (key: string, action: string, collection: string) => {
    const document = { text: 'mine' }
    const target = { dataSource: 'Cluster0', database: 'identity_test', collection, document, filter: {} }
    return post(`/app/${identityApp}/endpoint/data/v1/action/${action}`, target, { 'api-key': key })
  }
  /** A service call with a session that the key opened. */
  async function call(key: string, name: string, collection: string): Promise<number> {
    const api = `/api/client/v2.0/app/${identityApp}`
    const login = await post(`${api}/auth/providers/api-key/login`, { key }, {})
    if (login.status !== 200) return login.status
    const session = (await login.json()) as { access_token: string }
    const fields = { database: 'identity_test', collection, query: {}, document: { text: 'mine' } }
    const body = { service: 'mongodb-atlas', name, arguments: [fields] }
    return (await post(`${api}/functions/call`, body, { Authorization: `Bearer ${session.access_token}` })).status
  }

  const day = 86_400_000
  const rows: [string, KeyScope, number[]][] = [
    ['without a scope', {}, [200, 201, 200]],
    ['that only reads', { read_only: true }, [200, 403, 200]],
    ['for another collection', { collections: ['other'] }, [403, 403, 403]],
    ['for this collection', { collections: ['identity_test.notes'] }, [200, 201, 403]],
    ['for collections of this name', { collections: ['notes', 'people'] }, [200, 201, 200]],
    ['that expires', { expires_at: new Date(Date.now() + day) }, [200, 201, 200]],
    ['that has expired', { expires_at: new Date(Date.now() - 1) }, [401, 401, 401]],
    ['from this machine', { cidrs: ['127.0.0.0/8', '::1'] }, [200, 201, 200]],
    ['from elsewhere', { cidrs: ['203.0.113.0/24', '2001:db8::/32'] }, [403, 403, 403]],
  ]
  it.each(rows)('a key %s is held to it by the Data API and service calls alike', async (_, scope, expected) => {
    const { key } = await create(scope)
    const [reads = 0, writes = 0, others = 0] = expected
    const answers = [
      await act(key, 'findOne', 'notes'),
      await act(key, 'insertOne', 'notes'),
      await act(key, 'findOne', 'people'),
    ]
    expect(answers.map(({ status }) => status)).toEqual(expected)
    const calls = [
      await call(key, 'findOne', 'notes'),
      await call(key, 'insertOne', 'notes'),
      await call(key, 'findOne', 'people'),
    ]
    expect(calls).toEqual([reads, writes === 201 ? 200 : writes, others])
  })

  it('rotates: the new text works at once, the old one as long as was said', async () => {
    const first = await create()
    const second = await keys.rotate(first.id, new Date(), 60_000)
    const third = await keys.rotate(first.id, new Date())
    made.push(second.key, third.key)
    const statuses = []
    for (const { key } of [first, second, third]) statuses.push((await act(key, 'findOne', 'notes')).status)
    expect(statuses).toEqual([401, 401, 200])
    const fourth = await keys.rotate(first.id, new Date(), 60_000)
    made.push(fourth.key)
    expect([
      (await act(third.key, 'findOne', 'notes')).status,
      (await act(fourth.key, 'findOne', 'notes')).status,
    ]).toEqual([200, 200])
  })

  it('records the last use, once a minute', async () => {
    const key = await create()
    for (let i = 0; i < 5; i++) await act(key.key, 'findOne', 'notes')
    await expect.poll(async () => (await keys.get(key.id)).lastUsedAt).toBeInstanceOf(Date)
    const used = (await keys.get(key.id)).lastUsedAt
    await act(key.key, 'findOne', 'notes')
    expect((await keys.get(key.id)).lastUsedAt).toEqual(used)
  })

  it('names a refused key by its prefix in the log, and no key, address or secret', async () => {
    const key = await create({ read_only: true })
    await act(key.key, 'insertOne', 'notes')
    await expect.poll(() => edge.lines.some((line) => line.includes(`"key":"${key.prefix}"`))).toBe(true)
    expectNoSecrets(edge.lines, made)
  })

  it('refuses every address outside the list of the app, and logs it', async () => {
    const outside = await startIdentityEdge(kind, database.uri, { allowedCidrs: ['203.0.113.0/24'] })
    const { key } = await create()
    const url = `${outside.url}/app/${identityApp}/endpoint/me`
    const answer = await fetch(url, { headers: { 'api-key': key } })
    expect([answer.status, await answer.json()]).toEqual([
      403,
      { error: 'requests from this address are not allowed', error_code: 'AuthError', link: expect.any(String) },
    ])
    expect((await fetch(`${outside.url}/health`)).status).toBe(200)
    await expect.poll(() => outside.lines.some((line) => line.includes('not allowed'))).toBe(true)
    expectNoSecrets(outside.lines, made)
    await outside.close()
  })
})
