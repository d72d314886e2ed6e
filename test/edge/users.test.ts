import { type MongoClient, ObjectId } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadAppFolder } from '../../cli/app-folder/index.ts'
import { createConfirmedUser } from '../../runtime/users/password-accounts.ts'
import { openUserState } from '../../runtime/users/state.ts'
import { UserService } from '../../runtime/users/user-service.ts'
import { post, signJwt } from '../contract/credentials.ts'
import {
  type EdgeUnderTest,
  type HostKind,
  startEdgeUnderTest,
  wireApp,
  wireFolder,
} from '../contract/edge-under-test.ts'
import { callByTurns } from '../support/two-users.ts'

async function makeByAdministrator(client: MongoClient, email: string): Promise<string> {
  const { definition } = await loadAppFolder(wireFolder)
  const state = openUserState(client, wireApp)
  const now = () => new Date()
  const service = new UserService({ definition, state, clientFor: () => client, secret: () => undefined, fetch, now })
  return (await createConfirmedUser(service, email, 'a long one')).id
}

describe.each<HostKind>(['node', 'workerd'])('users on %s', (kind) => {
  let edge: EdgeUnderTest
  beforeAll(async () => {
    edge = await startEdgeUnderTest(kind, { plainActionErrors: true })
  })
  afterAll(() => edge?.close())

  const target = { dataSource: 'Cluster0', database: 'wire', collection: 'users-test' }
  const action = (name: string) => `${edge.url}/app/${wireApp}/endpoint/data/v1/action/${name}`
  const providers = () => `${edge.url}/api/client/v2.0/app/${wireApp}/auth/providers`

  it('makes the user of a token once, however many requests bring it at once', async () => {
    const subject = new ObjectId().toHexString()
    const jwt = await signJwt(subject)
    const requests = Array.from({ length: 20 }, (_, i) =>
      i % 2 === 0
        ? post(action('findOne'), target, { jwtTokenString: jwt })
        : post(`${providers()}/custom-token/login`, { token: jwt }),
    )
    const answers = await Promise.all(requests)
    expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200))
    const ids = new Set(answers.flatMap(({ body }) => body.user_id ?? []))
    expect(ids.size).toBe(1)
    const state = edge.client?.db('atlas_edge')
    expect(await state?.collection('users').countDocuments({ 'identities.id': subject })).toBe(1)
    expect(await state?.collection('identities').countDocuments({ external_id: subject })).toBe(1)
    const [user] = ids
    const created = () => edge.client?.db('wire').collection('logins').countDocuments({ user, type: 'CREATE' })
    await expect.poll(created, { timeout: 5_000 }).toBe(1)
  })

  it('tells the authentication triggers of a creation, a login and a deletion', async () => {
    const { body } = await post(`${providers()}/anon-user/login`, {})
    const headers = { Authorization: `Bearer ${body.access_token}` }
    const deleted = await fetch(`${edge.url}/api/client/v2.0/auth/delete`, { method: 'DELETE', headers })
    expect(deleted.status).toBe(204)
    const events = () =>
      edge.client
        ?.db('wire')
        .collection('logins')
        .find({ user: body.user_id }, { projection: { _id: 0, user: 0, at: 0 } })
        .sort({ type: 1 })
        .toArray()
    const providersOf = ['anon-user']
    await expect.poll(events, { timeout: 5_000 }).toEqual([
      { type: 'CREATE', providers: providersOf },
      { type: 'DELETE', providers: providersOf },
      { type: 'LOGIN', providers: providersOf },
    ])
  })

  it('tells the authentication triggers of a user whom an administrator made, once, at the first login', async (test) => {
    const client = edge.client
    if (client === undefined) return test.skip()
    const email = `made-${new ObjectId().toHexString()}@example.org`
    const id = await makeByAdministrator(client, email)
    const login = () => post(`${providers()}/local-userpass/login`, { username: email, password: 'a long one' })
    expect((await Promise.all([login(), login(), login()])).map(({ body }) => body.user_id)).toEqual([id, id, id])
    const events = (type: string) => client.db('wire').collection('logins').countDocuments({ user: id, type })
    await expect.poll(() => events('LOGIN'), { timeout: 5_000 }).toBe(3)
    expect(await events('CREATE')).toBe(1)
  })

  it('never mixes the contexts of two users who call at once', async () => {
    const login = async () => {
      const name = new ObjectId().toHexString()
      const { body } = await post(`${providers()}/custom-token/login`, { token: await signJwt(name) })
      return { name, headers: { Authorization: `Bearer ${body.access_token}` } }
    }
    const people = await Promise.all([login(), login()])
    const url = `${edge.url}/api/client/v2.0/app/${wireApp}/functions/call`
    const own = await callByTurns(people, { count: 300, atOnce: 30 }, async ({ name, headers }) => {
      const { body } = await post(url, { name: 'whoami', arguments: [] }, headers)
      return body.data.name === name
    })
    expect(own).toEqual(Array(300).fill(true))
  })

  it('stores neither keys nor passwords nor tokens as they are', async () => {
    const email = `hash-${new ObjectId().toHexString()}@example.org`
    await post(`${providers()}/local-userpass/register`, { email, password: 'plain as day' })
    const login = await post(`${providers()}/local-userpass/login`, { username: email, password: 'plain as day' })
    const state = edge.client?.db('atlas_edge')
    const names = ['users', 'identities', 'api_keys', 'sessions']
    const all = await Promise.all(names.map((name) => state?.collection(name).find().toArray()))
    const text = JSON.stringify(all)
    for (const secret of ['plain as day', edge.key, login.body.refresh_token]) expect(text).not.toContain(secret)
  })

  it.runIf(kind === 'node')('limits failed logins per account, with Retry-After', async () => {
    const username = `limited-${new ObjectId().toHexString()}@example.org`
    const statuses: number[] = []
    for (let i = 0; i < 21; i++) {
      const { status } = await post(`${providers()}/local-userpass/login`, { username, password: 'wrong password' })
      statuses.push(status)
    }
    expect(statuses).toEqual([...Array.from({ length: 20 }, () => 401), 429])
    const refused = await fetch(action('findOne'), {
      method: 'POST',
      headers: { email: username, password: 'wrong password' },
      body: JSON.stringify(target),
    })
    expect([refused.status, Number(refused.headers.get('retry-after'))]).toEqual([429, expect.any(Number)])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  })

  it('sends errors of actions as bare strings where that is configured', async () => {
    const answer = await post(action('insertOne'), target, { apiKey: edge.key })
    expect(answer).toEqual({ status: 400, body: "Failed to insert document: must provide a 'document' field" })
  })
})
