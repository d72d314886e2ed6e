import { MongoClient, ObjectId } from 'mongodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { CollectionConfig, Role } from '../../../../schemas/app/definition.ts'
import { startTestDatabase, type TestDatabase } from '../../../support/database.ts'
import { startApp, type TestApp, userCaller } from './app.ts'

const database = `functions_user_${process.pid}`
let server: TestDatabase
let client: MongoClient

beforeAll(async () => {
  server = await startTestDatabase()
  client = await MongoClient.connect(server.uri)
})

afterAll(async () => {
  await client.db(database).dropDatabase()
  await client.close()
  await server.close()
})

beforeEach(async () => {
  const notes = client.db(database).collection<{ _id: number; owner: string; team: string }>('notes')
  await notes.deleteMany({})
  await notes.insertMany([
    { _id: 1, owner: 'bob', team: 'red' },
    { _id: 2, owner: 'ann', team: 'blue' },
  ])
})

const collections = (role: Omit<Role, 'name'>): CollectionConfig[] => [
  { database, collection: 'notes', rules: { roles: [{ name: 'r', ...role }], filters: [] } },
]

/** Calls `f`, whose body has `notes` in scope, as bob, who is in the red team. */
function asBob(body: string, role: Omit<Role, 'name'>, functions: TestApp['functions'] = {}): Promise<unknown> {
  const source = `exports = async (...args) => {
    const notes = context.services.get('mongodb-atlas').db('${database}').collection('notes')
    ${body}
  }`
  const { runtime } = startApp(client, {
    functions: { f: { source, run_as_system: false }, ...functions },
    definition: {
      dataSources: [{ name: 'mongodb-atlas', type: 'mongodb-atlas', collections: collections(role) }],
    },
  })
  return runtime.callFunction('f', [], userCaller({ custom_data: { name: 'bob', team: 'red' } }), 'client')
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: { code: string; message: string }) => ({ code: error.code, message: error.message }),
  )

const own = { apply_when: { owner: '%%user.custom_data.name' }, read: true, write: true }

describe('a function that runs as its caller', () => {
  it('sees and changes what the rules allow', async () => {
    expect(await asBob('return [await notes.find({}).toArray(), await notes.count()]', own)).toEqual([
      [{ _id: 1, owner: 'bob', team: 'red' }],
      1,
    ])
    expect(await asBob('return notes.updateOne({ _id: 1 }, { $set: { title: "x" } })', own)).toEqual({
      matchedCount: 1,
      modifiedCount: 1,
    })
  })

  it('may catch a refusal, and answers it when it does not', async () => {
    expect(
      await asBob('try { await notes.insertOne({ owner: "ann" }) } catch (error) { return error.message }', own),
    ).toBe('insert not permitted')
    expect(await failure(asBob('await notes.insertOne({ owner: "ann" })', own))).toMatchObject({
      message: 'insert not permitted',
    })
    const nowhere = `await context.services.get('mongodb-atlas').db('other').collection('x').findOne({})`
    expect(await failure(asBob(nowhere, own))).toEqual({
      code: 'NoMatchingRuleFound',
      message: `no rule exists for namespace 'other.x'`,
    })
  })

  it('is elevated only inside a callee that runs as the system', async () => {
    const count = `exports = () => context.services.get('mongodb-atlas').db('${database}').collection('notes').count()`
    const callees = { system: { source: count, run_as_system: true }, user: { source: count, run_as_system: false } }
    const body =
      'return [await context.functions.execute("system"), await context.functions.execute("user"), await notes.count()]'
    expect(await asBob(body, own, callees)).toEqual([2, 1, 1])
  })

  it('is judged by functions that rules name, which see the same user', async () => {
    const role = {
      apply_when: { '%%true': { '%function': { name: 'inTeam', arguments: ['%%root.team'] } } },
      read: true,
    }
    const inTeam = {
      source: 'exports = (team) => context.user.custom_data.team === team',
      private: true,
      run_as_system: false,
    }
    expect(await asBob('return notes.distinct("_id")', role, { inTeam })).toEqual([1])
  })

  it('ends rules that call functions that ask the same rules', async () => {
    const role = { apply_when: { '%%true': { '%function': { name: 'loop', arguments: [] } } }, read: true }
    const loop = {
      source: `exports = async () => (await context.services.get('mongodb-atlas').db('${database}').collection('notes').findOne({ _id: 1 })) !== null`,
      run_as_system: false,
    }
    expect(await asBob('return notes.find({ _id: 1 })', role, { loop })).toEqual([])
  })

  it('runs as the user its manifest names, whoever calls', async () => {
    const id = new ObjectId()
    const { runtime } = startApp(client, {
      functions: {
        f: { source: 'exports = () => context.user.id', run_as_system: false, run_as_user_id: id.toHexString() },
      },
      options: { stateDatabase: database },
    })
    const call = () => runtime.callFunction('f', [], userCaller(), 'client')
    expect(await failure(call())).toEqual({
      code: 'UserNotFound',
      message: 'the user that the function runs as was not found',
    })
    await client.db(database).collection('users').insertOne({ _id: id, app: 'shop-abcde', identities: [] })
    expect(await call()).toBe(id.toHexString())
  })
})
