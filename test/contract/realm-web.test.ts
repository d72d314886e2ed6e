import { ObjectId } from 'bson'
import * as Realm from 'realm-web'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { signJwt } from './credentials.ts'
import { type EdgeUnderTest, hostKinds, startEdgeUnderTest, wireApp } from './edge-under-test.ts'

interface Note {
  _id: ObjectId
  owner: string
  text: string
  n?: number
}

describe.each(hostKinds)('realm-web 2.0.1 on %s', (kind) => {
  let edge: EdgeUnderTest
  beforeAll(async () => {
    edge = await startEdgeUnderTest(kind)
  })
  afterAll(() => edge?.close())

  // Apps of one process share a storage, and an anonymous login would find the one before.
  const newApp = () => {
    const storage = Realm.getEnvironment().defaultStorage.prefix(new ObjectId().toHexString())
    return new Realm.App({ id: wireApp, baseUrl: edge.url, storage } as Realm.AppConfiguration)
  }
  const newEmail = (prefix = 'web') => `${prefix}-${new ObjectId().toHexString()}@example.org`

  async function registered(app: Realm.App, email = newEmail()) {
    await app.emailPasswordAuth.registerUser({ email, password: 'first password' })
    return { email, user: await app.logIn(Realm.Credentials.emailPassword(email, 'first password')) }
  }

  it('logs in with every provider', async () => {
    const app = newApp()
    const subject = new ObjectId().toHexString()
    const users = [
      await app.logIn(Realm.Credentials.anonymous()),
      (await registered(app)).user,
      await app.logIn(Realm.Credentials.apiKey(edge.key)),
      await app.logIn(Realm.Credentials.jwt(await signJwt(subject, { 'https://example.com/role': 'boss' }))),
      await app.logIn(Realm.Credentials.function({ username: 'magic' })),
    ]
    expect(users.map((user) => [user.identities[0]?.providerType, user.profile])).toEqual([
      ['anon-user', {}],
      ['local-userpass', { email: expect.any(String) }],
      ['api-key', { name: expect.any(String) }],
      ['custom-token', { name: subject, role: 'boss' }],
      ['custom-function', { name: 'magic' }],
    ])
  })

  it('refuses wrong credentials with 401', async () => {
    const app = newApp()
    const { email } = await registered(app)
    await expect(app.logIn(Realm.Credentials.emailPassword(email, 'wrong password'))).rejects.toMatchObject({
      statusCode: 401,
      error: 'unauthorized',
      errorCode: 'InvalidPassword',
    })
    await expect(app.logIn(Realm.Credentials.apiKey('nope'))).rejects.toMatchObject({ statusCode: 401 })
  })

  it('confirms a pending registration and resets a password by function', async () => {
    const app = newApp()
    const email = newEmail('pending')
    await app.emailPasswordAuth.registerUser({ email, password: 'first password' })
    const login = (password: string) => app.logIn(Realm.Credentials.emailPassword(email, password))
    await expect(login('first password')).rejects.toMatchObject({ statusCode: 401, error: 'confirmation required' })
    const mail = await edge.client?.db('wire').collection('outbox').findOne({ username: email })
    await app.emailPasswordAuth.confirmUser({ token: mail?.token, tokenId: mail?.tokenId })
    await login('first password')
    await app.emailPasswordAuth.callResetPasswordFunction({ email, password: 'second password' }, 'open sesame')
    await expect(login('first password')).rejects.toMatchObject({ statusCode: 401 })
    expect((await login('second password')).profile).toEqual({ email })
  })

  it('calls functions with BSON arguments and results', async () => {
    const app = newApp()
    const user = await app.logIn(Realm.Credentials.anonymous())
    expect(await user.functions.sum?.(2, 3)).toBe(5)
    expect(await user.callFunction('values', { id: new ObjectId(), date: new Date() })).toEqual({
      id: true,
      date: true,
      int: 42,
      double: 3.5,
      when: new Date(0),
      list: [1, 'a', null],
    })
    await expect(user.callFunction('fail')).rejects.toMatchObject({
      statusCode: 400,
      error: 'no luck',
      errorCode: 'FunctionExecutionError',
    })
  })

  it('runs the CRUD of remote collections under the rules', async () => {
    const app = newApp()
    const { user } = await registered(app)
    const stranger = await newApp().logIn(Realm.Credentials.anonymous())
    const of = (owner: Realm.User) => owner.mongoClient('mongodb-atlas').db('wire').collection<Note>('notes')
    const notes = of(user)
    const owner = user.id
    const { insertedId } = await notes.insertOne({ owner, text: 'one', n: 1 })
    const { insertedIds } = await notes.insertMany([
      { owner, text: 'two', n: 2 },
      { owner, text: 'three', n: 3 },
    ])
    expect(insertedIds).toHaveLength(2)
    expect(await notes.findOne({ _id: insertedId })).toEqual({ _id: insertedId, owner, text: 'one', n: 1 })
    expect(await notes.find({ owner }, { sort: { n: -1 }, limit: 2, projection: { _id: 0, n: 1 } })).toEqual([
      { n: 3 },
      { n: 2 },
    ])
    expect(await notes.count({ owner })).toBe(3)
    expect(await notes.updateOne({ owner, n: 1 }, { $set: { text: 'uno' } })).toEqual({
      matchedCount: 1,
      modifiedCount: 1,
    })
    expect(await notes.updateMany({ owner }, { $inc: { n: 1 } })).toEqual({ matchedCount: 3, modifiedCount: 3 })
    expect(
      await notes.findOneAndUpdate({ owner, n: 2 }, { $set: { text: 'eins' } }, { returnNewDocument: true }),
    ).toMatchObject({
      text: 'eins',
    })
    expect(await notes.findOneAndReplace({ owner, n: 2 }, { owner, text: 'replaced', n: 9 })).toMatchObject({
      text: 'eins',
    })
    expect(await notes.findOneAndDelete({ owner, n: 9 })).toMatchObject({ text: 'replaced' })
    const total = [{ $match: { owner } }, { $group: { _id: null, sum: { $sum: '$n' } } }]
    expect(await notes.aggregate(total)).toEqual([{ _id: null, sum: 7 }])
    expect(await of(stranger).find({ owner })).toEqual([])
    await expect(of(stranger).insertOne({ owner, text: 'forged' })).rejects.toMatchObject({
      statusCode: expect.any(Number),
    })
    expect(await notes.deleteOne({ owner, n: 3 })).toEqual({ deletedCount: 1 })
    expect(await notes.deleteMany({ owner })).toEqual({ deletedCount: 1 })
  })

  it('watches a collection: what the user may read, in order, until the stream is given up', async (test) => {
    test.skip(!edge.changeStreams, 'the server has no change streams')
    const app = newApp()
    const { user } = await registered(app)
    const { user: other } = await registered(newApp())
    const of = (owner: Realm.User) => owner.mongoClient('mongodb-atlas').db('wire').collection<Note>('notes')
    const stream = of(user).watch({ filter: { operationType: { $ne: 'replace' } } })
    const events: { operationType: string; fullDocument?: Note }[] = []
    const reading = (async () => {
      for await (const event of stream) {
        events.push(event as { operationType: string; fullDocument?: Note })
        if (event.operationType === 'delete') break
      }
    })()
    await new Promise((resolve) => setTimeout(resolve, 500))
    await of(other).insertOne({ owner: other.id, text: 'not yours' })
    const { insertedId } = await of(user).insertOne({ owner: user.id, text: '100 %\nsure' })
    await of(user).updateOne({ _id: insertedId }, { $set: { n: 1 } })
    await new Promise((resolve) => setTimeout(resolve, 300))
    await of(user).deleteOne({ _id: insertedId })
    await reading
    expect(events.map(({ operationType, fullDocument }) => [operationType, fullDocument?.text])).toEqual([
      ['insert', '100 %\nsure'],
      ['update', '100 %\nsure'],
      ['delete', undefined],
    ])
  })

  it('reads custom data from the token, fresh after a refresh', async () => {
    const app = newApp()
    const { user } = await registered(app)
    expect(user.customData).toEqual({})
    await edge.client?.db('wire').collection('people').insertOne({ user_id: user.id, colour: 'red' })
    expect(await user.refreshCustomData()).toMatchObject({ user_id: user.id, colour: 'red' })
  })

  it('links an anonymous user to an email', async () => {
    const app = newApp()
    const user = await app.logIn(Realm.Credentials.anonymous())
    const email = newEmail()
    await app.emailPasswordAuth.registerUser({ email, password: 'first password' })
    await user.linkCredentials(Realm.Credentials.emailPassword(email, 'first password'))
    expect(user.identities.map((identity) => identity.providerType)).toEqual(['anon-user', 'local-userpass'])
    const again = await newApp().logIn(Realm.Credentials.emailPassword(email, 'first password'))
    expect(again.id).toBe(user.id)
  })

  it('makes, disables and deletes the keys of a user', async () => {
    const app = newApp()
    const { user } = await registered(app)
    const created = await user.apiKeys.create('laptop')
    expect(created).toEqual({ _id: expect.any(String), key: expect.any(String), name: 'laptop', disabled: false })
    const view = { _id: created._id, name: 'laptop', disabled: false }
    expect(await user.apiKeys.fetch(created._id)).toEqual(view)
    expect(await user.apiKeys.fetchAll()).toEqual([view])
    const byKey = () => newApp().logIn(Realm.Credentials.apiKey(created.key))
    expect((await byKey()).id).toBe(user.id)
    await user.apiKeys.disable(created._id)
    await expect(byKey()).rejects.toMatchObject({ statusCode: 401 })
    await user.apiKeys.enable(created._id)
    await byKey()
    await user.apiKeys.delete(created._id)
    await expect(user.apiKeys.fetch(created._id)).rejects.toMatchObject({
      statusCode: 404,
      errorCode: 'APIKeyNotFound',
    })
  })

  it('refreshes an access token that the edge refuses, and goes on', async () => {
    const app = newApp()
    const { user } = await registered(app)
    const fresh = user.accessToken
    user.accessToken = `${fresh?.slice(0, -4)}AAAA`
    expect(await user.callFunction('sum', 1, 1)).toBe(2)
    expect(user.accessToken).not.toMatch(/AAAA$/)
  })

  it('ends a session at logout', async () => {
    const app = newApp()
    const { user } = await registered(app)
    const { accessToken, refreshToken } = user
    await user.logOut()
    expect(user.isLoggedIn).toBe(false)
    const ask = (path: string, method: string, token: string | null) =>
      fetch(`${edge.url}/api/client/v2.0${path}`, { method, headers: { Authorization: `Bearer ${token}` } })
    const refreshed = await ask('/auth/session', 'POST', refreshToken)
    expect([refreshed.status, await refreshed.json()]).toEqual([
      401,
      expect.objectContaining({ error_code: 'InvalidSession', error: 'invalid session: failed to find refresh token' }),
    ])
    expect((await ask('/auth/profile', 'GET', accessToken)).status).toBe(401)
  })

  it('deletes a user for good', async () => {
    const app = newApp()
    const { user, email } = await registered(app)
    await app.deleteUser(user)
    await expect(app.logIn(Realm.Credentials.emailPassword(email, 'first password'))).rejects.toMatchObject({
      statusCode: 401,
    })
  })
})
