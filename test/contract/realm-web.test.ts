import { ObjectId } from 'bson'
import * as Realm from 'realm-web'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accessTokenLifetimeMs, createTokens } from '../../runtime/users/tokens.ts'
import { signJwt } from './credentials.ts'
import { type EdgeUnderTest, hostKinds, startEdgeUnderTest, wireApp, wireSigningKey } from './edge-under-test.ts'

interface Note {
  _id: ObjectId
  owner: string
  text: string
  n?: number
  list?: { n: number; seen?: boolean }[]
}

/** What nobody serves is answered with this text; every other 404 says what was not found. */
const noSuchRoute = /"error":"not found"/

describe.each(hostKinds)('realm-web 2.0.1 on %s', (kind) => {
  let edge: EdgeUnderTest
  beforeAll(async () => {
    edge = await startEdgeUnderTest(kind)
  })
  const unserved: string[] = []
  afterAll(async () => {
    await edge?.close()
    expect(unserved).toEqual([])
  })

  async function recordingFetch(url: string, init?: RequestInit): Promise<Response> {
    const response = await fetch(url, init)
    if (response.status === 404 && noSuchRoute.test(await response.clone().text()))
      unserved.push(`${init?.method} ${url}`)
    return response
  }

  // Apps of one process share a storage, and an anonymous login would find the one before.
  const newApp = () => {
    const storage = Realm.getEnvironment().defaultStorage.prefix(new ObjectId().toHexString())
    return new Realm.App({ id: wireApp, baseUrl: edge.url, storage, fetch: recordingFetch } as Realm.AppConfiguration)
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

  it('tries a confirmation again by function, and refuses what a function has taken over', async (test) => {
    test.skip(edge.client === undefined, 'the outbox is out of reach')
    const { emailPasswordAuth } = newApp()
    const email = newEmail('pending')
    await emailPasswordAuth.registerUser({ email, password: 'first password' })
    await emailPasswordAuth.retryCustomConfirmation({ email })
    const mails = await edge.client?.db('wire').collection('outbox').find({ username: email }).toArray()
    expect(mails).toHaveLength(2)
    const [first, second] = mails ?? []
    await expect(emailPasswordAuth.confirmUser({ token: first?.token, tokenId: first?.tokenId })).rejects.toMatchObject(
      { statusCode: 400, error: 'invalid token data' },
    )
    await emailPasswordAuth.resendConfirmationEmail({ email })
    await emailPasswordAuth.retryCustomConfirmation({ email })
    const third = await edge.client
      ?.db('wire')
      .collection('outbox')
      .findOne({ username: email }, { sort: { _id: -1 } })
    expect(third?.tokenId).not.toBe(second?.tokenId)
    await emailPasswordAuth.confirmUser({ token: third?.token, tokenId: third?.tokenId })
    const refusals = [
      emailPasswordAuth.retryCustomConfirmation({ email }),
      emailPasswordAuth.resendConfirmationEmail({ email: newEmail() }),
      emailPasswordAuth.sendResetPasswordEmail({ email }),
      emailPasswordAuth.resetPassword({ token: 'no', tokenId: 'no', password: 'second password' }),
      emailPasswordAuth.callResetPasswordFunction({ email, password: 'second password' }, 'wrong'),
      emailPasswordAuth.registerUser({ email, password: 'first password' }),
    ]
    const seen = (await Promise.allSettled(refusals)).map((one) => one.status === 'rejected' && one.reason)
    expect(seen.map(({ statusCode, error }) => [statusCode, error])).toEqual([
      [400, 'already confirmed'],
      [404, 'user not found'],
      [400, 'please use reset password via function'],
      [400, 'invalid token data'],
      [400, `failed to reset password for user "${email}"`],
      [409, 'name already in use'],
    ])
  })

  it('keeps several users in one app: the current one calls, the removed one is logged out', async () => {
    const app = newApp()
    const { user: first } = await registered(app)
    const { user: second } = await registered(app)
    expect([app.currentUser?.id, Object.keys(app.allUsers)]).toEqual([second.id, [second.id, first.id]])
    app.switchUser(first)
    expect(await app.currentUser?.functions.sum?.(1, 2)).toBe(3)
    const { refreshToken } = second
    await app.removeUser(second)
    expect([second.state, Object.keys(app.allUsers)]).toEqual(['removed', [first.id]])
    const session = await fetch(`${edge.url}/api/client/v2.0/auth/session`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${refreshToken}` },
    })
    expect(session.status).toBe(401)
    expect(first.toJSON()).toMatchObject({ id: first.id, state: 'active', customData: {} })
    await first.refreshProfile()
    expect(first.profile.email).toMatch(/@example\.org$/)
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

  it('takes the options of collection methods', async () => {
    const app = newApp()
    const { user } = await registered(app)
    const owner = user.id
    const notes = user.mongoClient('mongodb-atlas').db('wire').collection<Note>('notes')
    const upserted = await notes.updateOne({ owner, n: 1 }, { $set: { text: 'new' } }, { upsert: true })
    const made = await notes.findOne({ owner, n: 1 })
    expect(upserted).toEqual({ matchedCount: 0, modifiedCount: 0, upsertedId: made?._id })
    const many = await notes.updateMany({ owner, n: 7 }, { $set: { text: 'seven' } }, { upsert: true })
    expect(many.upsertedId).toEqual((await notes.findOne({ owner, n: 7 }))?._id)
    await notes.updateOne({ owner, n: 1 }, { $set: { list: [{ n: 1 }, { n: 2 }] } })
    await notes.updateOne(
      { owner, n: 1 },
      { $set: { 'list.$[one].seen': true } },
      {
        arrayFilters: [{ 'one.n': 2 }],
      },
    )
    expect((await notes.findOne({ owner, n: 1 }, { projection: { _id: 0, list: 1 } }))?.list).toEqual([
      { n: 1 },
      { n: 2, seen: true },
    ])
    expect(await notes.findOne({ owner }, { sort: { n: -1 } })).toMatchObject({
      n: 7,
    })
    expect(await notes.count({ owner }, { limit: 1 })).toBe(1)
    const modify = { upsert: true, returnNewDocument: true, projection: { _id: 0, n: 1, text: 1 } }
    expect(await notes.findOneAndUpdate({ owner, n: 8 }, { $set: { text: 'eight' } }, modify)).toEqual({
      n: 8,
      text: 'eight',
    })
    expect(await notes.findOneAndReplace({ owner, n: 9 }, { owner, n: 9, text: 'nine' }, modify)).toEqual({
      n: 9,
      text: 'nine',
    })
    expect(await notes.findOneAndUpdate({ owner, n: 99 }, { $set: { text: 'none' } })).toBeNull()
    expect(await notes.findOneAndDelete({ owner }, { sort: { n: 1 }, projection: { _id: 0, n: 1 } })).toEqual({ n: 1 })
    expect(await notes.find({ owner }, { projection: { _id: 0, n: 1 }, sort: { n: 1 } })).toEqual([
      { n: 7 },
      { n: 8 },
      { n: 9 },
    ])
    expect((await notes.find()).length).toBeGreaterThanOrEqual(3)
    await expect(user.mongoClient('nothing').db('wire').collection('notes').find()).rejects.toMatchObject({
      errorCode: 'ServiceNotFound',
      error: "service not found: 'nothing'",
    })
  })

  it('watches the documents that it names, and ends with an error that the SDK understands', async (test) => {
    test.skip(!edge.changeStreams, 'the server has no change streams')
    const { user } = await registered(newApp())
    const of = (name: string) => user.mongoClient('mongodb-atlas').db('wire').collection<Note>(name)
    const notes = of('notes')
    const { insertedId: wanted } = await notes.insertOne({ owner: user.id, text: 'wanted' })
    const { insertedId: other } = await notes.insertOne({ owner: user.id, text: 'other' })
    const stream = notes.watch({ ids: [wanted] })
    const first = stream.next()
    await new Promise((resolve) => setTimeout(resolve, 500))
    await notes.updateOne({ _id: other }, { $set: { n: 1 } })
    await notes.updateOne({ _id: wanted }, { $set: { n: 2 } })
    expect((await first).value).toMatchObject({ operationType: 'update', documentKey: { _id: wanted } })
    await stream.return(undefined)
    await expect(of('').watch().next()).rejects.toMatchObject({ statusCode: 400, errorCode: 'BadRequest' })
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

  it('trades an access token that has expired for a fresh one, once for calls and once for streams', async (test) => {
    test.skip(edge.client === undefined, 'the signing key is not known')
    const { user } = await registered(newApp())
    const tokens = createTokens(wireSigningKey, () => new Date())
    const claims = JSON.parse(atob(user.accessToken?.split('.')[1]?.replaceAll('-', '+').replaceAll('_', '/') ?? ''))
    const expire = async () => {
      const now = new Date(Date.now() - accessTokenLifetimeMs - 1_000)
      const token = { app: wireApp, userId: user.id, sessionId: claims.iss, userData: undefined, now }
      user.accessToken = await tokens.signAccess(token)
      return user.accessToken
    }
    const expired = await expire()
    const direct = await fetch(`${edge.url}/api/client/v2.0/auth/profile`, {
      headers: { Authorization: `Bearer ${expired}` },
    })
    expect([direct.status, await direct.json()]).toEqual([
      401,
      expect.objectContaining({ error_code: 'InvalidSession' }),
    ])
    expect(await user.callFunction('sum', 1, 1)).toBe(2)
    expect(user.accessToken).not.toBe(expired)
    if (!edge.changeStreams) return
    const again = await expire()
    const notes = user.mongoClient('mongodb-atlas').db('wire').collection<Note>('notes')
    const stream = notes.watch()
    const first = stream.next()
    await expect.poll(() => user.accessToken, { timeout: 5_000 }).not.toBe(again)
    await new Promise((resolve) => setTimeout(resolve, 500))
    await notes.insertOne({ owner: user.id, text: 'seen' })
    expect((await first).value).toMatchObject({ operationType: 'insert' })
    await stream.return(undefined)
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
