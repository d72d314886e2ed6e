import { ObjectId } from 'bson'
import * as Realm from 'realm-web'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { signJwt } from './credentials.ts'
import { type EdgeUnderTest, hostKinds, startEdgeUnderTest, wireApp } from './edge-under-test.ts'

interface Note {
  _id: ObjectId
  owner: string
  text: string
}

const password = 'first password'
const { Credentials } = Realm

describe.each(hostKinds)('the rest of the surface of realm-web 2.0.1 on %s', (kind) => {
  let edge: EdgeUnderTest
  beforeAll(async () => {
    edge = await startEdgeUnderTest(kind)
  })
  afterAll(() => edge?.close())

  const newStorage = () => Realm.getEnvironment().defaultStorage.prefix(new ObjectId().toHexString())
  const newApp = (storage = newStorage(), id = wireApp) =>
    new Realm.App({ id, baseUrl: edge.url, storage } as Realm.AppConfiguration)
  const newEmail = () => `web-${new ObjectId().toHexString()}@example.org`

  async function registered(app: Realm.App, email = newEmail()) {
    await app.emailPasswordAuth.registerUser({ email, password })
    return { email, user: await app.logIn(Credentials.emailPassword(email, password)) }
  }

  it('finds its users again in the storage of the page', async () => {
    const storage = newStorage()
    const { user } = await registered(newApp(storage))
    const reopened = newApp(storage)
    const { currentUser } = reopened
    expect([currentUser?.id, currentUser?.isLoggedIn, currentUser?.state]).toEqual([user.id, true, 'active'])
    expect(currentUser?.profile).toEqual(user.profile)
    expect(await currentUser?.callFunction('sum', 1, 2)).toBe(3)
    await currentUser?.logOut()
    expect([currentUser?.isLoggedIn, newApp(storage).currentUser?.id]).toEqual([false, undefined])
  })

  it('reuses an anonymous user, makes a new one when asked to, and deletes it', async () => {
    const app = newApp()
    const first = await app.logIn(Credentials.anonymous())
    const again = await app.logIn(Credentials.anonymous())
    const other = await app.logIn(Credentials.anonymous(false))
    expect([again.id, other.id === first.id]).toEqual([first.id, false])
    await app.deleteUser(other)
    expect(Object.keys(app.allUsers)).toEqual([first.id])
    expect(await first.callFunction('sum', 1, 1)).toBe(2)
  })

  it('says who a user is, whichever way it came', async () => {
    const app = newApp()
    const { user, email } = await registered(app)
    expect([user.providerType, user.deviceId, user.state, user.profile]).toEqual([
      'local-userpass',
      expect.toSatisfy((id) => id === null || id === '0'.repeat(24)),
      'active',
      { email },
    ])
    expect(user.identities).toEqual([{ id: expect.any(String), providerType: 'local-userpass' }])
    expect(user.id).toMatch(/^[0-9a-f]{24}$/)
    await user.refreshAccessToken()
    expect(await user.callFunction('whoami')).toBeDefined()
  })

  it('calls functions by their name as a method', async () => {
    const user = await newApp().logIn(Credentials.anonymous())
    expect(await user.functions.sum?.(20, 22)).toBe(42)
    expect(await user.functions.callFunction('sum', 1, 1)).toBe(2)
    expect(await user.functions.nothing?.()).toBeNull()
  })

  it('links every credential that an anonymous user can bring, to one user', async () => {
    const app = newApp()
    const user = await app.logIn(Credentials.anonymous())
    const { id } = user
    const email = newEmail()
    await app.emailPasswordAuth.registerUser({ email, password })
    await user.linkCredentials(Credentials.emailPassword(email, password))
    const subject = new ObjectId().toHexString()
    await user.linkCredentials(Credentials.jwt(await signJwt(subject)))
    expect(user.id).toBe(id)
    expect(user.identities.map(({ providerType }) => providerType)).toEqual([
      'anon-user',
      'local-userpass',
      'custom-token',
    ])
    const byToken = await newApp().logIn(Credentials.jwt(await signJwt(subject)))
    expect([byToken.id, (await newApp().logIn(Credentials.emailPassword(email, password))).id]).toEqual([id, id])
  })

  it('keeps an identity with the user that it belongs to', async () => {
    const { email, user: owner } = await registered(newApp())
    const other = await newApp().logIn(Credentials.anonymous())
    await expect(other.linkCredentials(Credentials.emailPassword(email, password))).rejects.toMatchObject({
      statusCode: expect.any(Number),
    })
    expect((await newApp().logIn(Credentials.emailPassword(email, password))).id).toBe(owner.id)
    expect(other.identities.map(({ providerType }) => providerType)).toEqual(['anon-user'])
  })

  it('finds, changes and removes one document at a time with the defaults of each method', async () => {
    const { user } = await registered(newApp())
    const owner = user.id
    const notes = user.mongoClient('mongodb-atlas').db('wire').collection<Note>('notes')
    expect(await notes.findOne({ owner })).toBeNull()
    expect(await notes.count()).toBe(0)
    expect(await notes.find()).toEqual([])
    expect(await notes.find({ owner: 'nobody' })).toEqual([])
    const { insertedId } = await notes.insertOne({ _id: new ObjectId(), owner, text: 'one' })
    expect(await notes.findOneAndUpdate({ owner }, { $set: { text: 'two' } })).toMatchObject({ text: 'one' })
    expect(await notes.findOneAndReplace({ owner }, { owner, text: 'three' })).toMatchObject({ text: 'two' })
    expect(await notes.findOneAndDelete({ owner })).toEqual({ _id: insertedId, owner, text: 'three' })
    expect(await notes.findOneAndDelete({ owner })).toBeNull()
    expect(await notes.deleteOne({ owner })).toEqual({ deletedCount: 0 })
    expect(await notes.deleteMany({ owner })).toEqual({ deletedCount: 0 })
    expect(await notes.aggregate([])).toEqual([])
  })

  type Ask = (app: Realm.App, user: Realm.User) => Promise<unknown>
  const noteOf = (user: Realm.User) => user.mongoClient('mongodb-atlas').db('wire').collection<Note>('notes')
  const wrong: [what: string, ask: Ask, refusal: [number, string, string | undefined]][] = [
    [
      'a wrong password',
      (app) => app.logIn(Credentials.emailPassword(newEmail(), password)),
      [401, 'unauthorized', 'InvalidPassword'],
    ],
    ['a wrong key', (app) => app.logIn(Credentials.apiKey('nope')), [401, 'unauthorized', 'AuthError']],
    ['a wrong token', (app) => app.logIn(Credentials.jwt('a.b.c')), [401, 'unauthorized', 'AuthError']],
    [
      'a function that refuses',
      (app) => app.logIn(Credentials.function({ username: 'x' })),
      [401, 'Authentication failed', 'AuthError'],
    ],
    [
      'a short password',
      (app) => app.emailPasswordAuth.registerUser({ email: newEmail(), password: 'short' }),
      [400, 'password must be between 6 and 128 characters', 'BadRequest'],
    ],
    [
      'a wrong confirmation',
      (app) => app.emailPasswordAuth.confirmUser({ token: 'a', tokenId: 'b' }),
      [400, 'invalid token data', 'UserpassTokenInvalid'],
    ],
    [
      'a reset for nobody',
      (app) => app.emailPasswordAuth.callResetPasswordFunction({ email: 'nobody@example.org', password }),
      [404, 'user not found', 'UserNotFound'],
    ],
    ['a function that throws', (_, user) => user.callFunction('fail'), [400, 'no luck', 'FunctionExecutionError']],
    [
      'a function that is none',
      (_, user) => user.callFunction('nope'),
      [404, "function not found: 'nope'", 'FunctionNotFound'],
    ],
    [
      'a stream of a function',
      async (_, user) => {
        for await (const _chunk of await user.functions.callFunctionStreaming('sum', 1, 2));
      },
      [400, "'sum' is not a stream", 'ServiceCommandNotFound'],
    ],
    [
      'a data source that is none',
      (_, user) => user.mongoClient('nope').db('wire').collection('notes').find(),
      [400, "service not found: 'nope'", 'ServiceNotFound'],
    ],
    [
      'an insert that rules refuse',
      (_, user) => noteOf(user).insertOne({ _id: new ObjectId(), owner: 'somebody', text: '' }),
      [400, 'insert not permitted', 'FunctionExecutionError'],
    ],
    [
      'an update without operators',
      (_, user) => noteOf(user).updateOne({ owner: user.id }, { text: 'x' } as never),
      [400, 'Update document requires atomic operators', 'MongoDBError'],
    ],
    [
      'a stage of the system',
      (_, user) => noteOf(user).aggregate([{ $lookup: {} }] as never),
      [400, "aggregation stage '$lookup' is only available to system users", 'MongoDBError'],
    ],
    [
      'an operator of the system',
      (_, user) => noteOf(user).find({ $where: '1' }),
      [400, "query operator '$where' is only available to system users", 'MongoDBError'],
    ],
    [
      'a collection of the server',
      (_, user) => user.mongoClient('mongodb-atlas').db('admin').collection('system.users').find(),
      [403, "no rule exists for namespace 'admin.system.users'", 'NoMatchingRuleFound'],
    ],
    [
      'a watch of a collection of the server',
      (_, user) => user.mongoClient('mongodb-atlas').db('admin').collection('system.users').watch().next(),
      [403, "no rule exists for namespace 'admin.system.users'", 'NoMatchingRuleFound'],
    ],
    [
      'a key of bad characters',
      (_, user) => user.apiKeys.create('a b'),
      [400, 'can only contain ASCII letters, numbers, underscores, and hyphens', 'InvalidParameter'],
    ],
    [
      'a key of nobody',
      (_, user) => user.apiKeys.fetch('64ff00000000000000000001'),
      [404, 'API key not found', 'APIKeyNotFound'],
    ],
    ['a key that is none', (_, user) => user.apiKeys.delete('nope'), [404, 'API key not found', 'APIKeyNotFound']],
  ]

  it.each(wrong)('answers %s with an error that the SDK reads', async (_what, ask, [status, text, code]) => {
    const app = newApp()
    const { user } = await registered(app)
    const error = await ask(app, user).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(Realm.MongoDBRealmError)
    expect(error).toMatchObject({ statusCode: status, error: text, errorCode: code })
    expect(error).toMatchObject({ link: expect.stringMatching(/\/logs\?co_id=/), url: expect.any(String) })
  })

  it('answers an app that is none with an error that the SDK reads', async () => {
    const error = await newApp(newStorage(), 'other-abcde')
      .logIn(Credentials.anonymous())
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(Realm.MongoDBRealmError)
    expect(error).toMatchObject({ statusCode: 404, error: "cannot find app using Client App ID 'other-abcde'" })
  })

  it('gives no keys to anonymous users', async () => {
    const user = await newApp().logIn(Credentials.anonymous())
    await expect(user.apiKeys.create('mine')).rejects.toBeInstanceOf(Realm.MongoDBRealmError)
  })

  it('refuses a user who was disabled, at once and at the next login', async (test) => {
    test.skip(edge.client === undefined, 'the users are out of reach')
    const { user, email } = await registered(newApp())
    await edge.client
      ?.db('atlas_edge')
      .collection('users')
      .updateOne({ _id: new ObjectId(user.id) }, { $set: { disabled: true } })
    await expect(user.callFunction('sum', 1, 1)).rejects.toBeInstanceOf(Realm.MongoDBRealmError)
    await expect(newApp().logIn(Credentials.emailPassword(email, password))).rejects.toMatchObject({
      statusCode: 401,
    })
  })
})
