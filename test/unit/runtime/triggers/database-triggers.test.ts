import { Binary, Decimal128, type Document, Long, MongoClient } from 'mongodb'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LogEntry } from '../../../../runtime/log.ts'
import type { Runtime } from '../../../../runtime/runtime.ts'
import {
  createTriggerRunner,
  type TriggerRunner,
  type TriggerRunnerOptions,
} from '../../../../runtime/triggers/index.ts'
import type { DatabaseTrigger, DataSource } from '../../../../schemas/app/definition.ts'
import { startTestDatabase } from '../../../support/database.ts'
import { startApp } from '../functions/app.ts'
import { databaseTrigger, until } from './support.ts'

const server = await startTestDatabase()
const client = await MongoClient.connect(server.uri)
const prefix = `trigger_test_${process.pid}_`
let used = 0
let database = ''
let stateDatabase = ''
const runners: TriggerRunner[] = []

beforeEach(() => {
  used += 1
  database = `${prefix}${used}`
  stateDatabase = `${prefix}${used}_state`
})

afterEach(async () => {
  await Promise.all(runners.splice(0).map((runner) => runner.stop()))
  await Promise.all([client.db(database).dropDatabase(), client.db(stateDatabase).dropDatabase()])
})

afterAll(async () => {
  await client.close()
  await server.close()
})

const dataSources: DataSource[] = [
  { name: 'mongodb-atlas', type: 'mongodb-atlas', collections: [] },
  { name: 'lake', type: 'datalake', collections: [] },
]

interface Running {
  runner: TriggerRunner
  runtime: Runtime
  log: LogEntry[]
  /** Events in the order their functions began. */
  seen: Document[]
}

/** Starts a runner whose functions note their event; `body` runs after that with `event`, `db` and `seen` in scope. */
async function startTriggers(
  triggers: DatabaseTrigger[],
  body = '',
  options: TriggerRunnerOptions = {},
  over = client,
): Promise<Running> {
  const seen: Document[] = []
  const source = `exports = async (event) => {
    const seen = require('seen'); seen.push(event)
    const db = context.services.get('mongodb-atlas').db('${database}')
    ${body}
  }`
  const { runtime, log } = startApp(over, {
    functions: Object.fromEntries(triggers.map(({ name }) => [name, { source, private: true }])),
    packages: { seen: () => seen },
    definition: { triggers, dataSources },
    options: { stateDatabase },
  })
  const runner = createTriggerRunner(runtime, { leaseMs: 1_000, ...options })
  runners.push(runner)
  await runner.start()
  return { runner, runtime, log, seen }
}

const collection = (name = 'items') => client.db(database).collection<Document & { _id: number | string }>(name)

const items = (config: Partial<DatabaseTrigger['config']> = {}, name = 'watch') =>
  databaseTrigger(name, { database, collection: 'items', ...config })

const received = async ({ seen }: Running, count: number) => {
  await until(() => seen.length >= count)
  // Nothing more may come.
  await new Promise((resolve) => setTimeout(resolve, 50))
  return seen
}

const idsOf = (events: Document[]) => events.map((event) => event.documentKey._id)

describe.runIf(server.changeStreams)('a database trigger', () => {
  it('gets the event of each operation, with documents only where documented', async () => {
    const running = await startTriggers([items()])
    await collection().insertOne({ _id: 1, n: 3_000_000_000, at: new Date(0) })
    await collection().updateOne({ _id: 1 }, { $set: { 'a.b': 1 }, $unset: { at: '' } })
    await collection().replaceOne({ _id: 1 }, { m: 1 })
    await collection().deleteOne({ _id: 1 })
    const events = await received(running, 4)
    const view = events.map(({ _id, clusterTime, wallTime, ...event }) => {
      expect([typeof _id._data, clusterTime._bsontype, wallTime instanceof Date]).toEqual(['string', 'Timestamp', true])
      return event
    })
    const common = { ns: { db: database, coll: 'items' }, documentKey: { _id: 1 } }
    expect(view).toMatchObject([
      { operationType: 'insert', ...common, fullDocument: { _id: 1, n: 3_000_000_000, at: new Date(0) } },
      {
        operationType: 'update',
        ...common,
        updateDescription: { updatedFields: { a: { b: 1 } }, removedFields: ['at'] },
      },
      { operationType: 'replace', ...common, fullDocument: { _id: 1, m: 1 } },
      { operationType: 'delete', ...common },
    ])
    expect(view.map((event) => ['fullDocument' in event, 'fullDocumentBeforeChange' in event])).toEqual([
      [true, false],
      [false, false],
      [true, false],
      [false, false],
    ])
  })

  it('gets the whole document of an update, and the document before, when asked', async () => {
    await collection().insertOne({ _id: 1, n: 1 })
    const running = await startTriggers([items({ full_document: true, full_document_before_change: true })])
    await collection().updateOne({ _id: 1 }, { $set: { n: 2 } })
    await collection().deleteOne({ _id: 1 })
    expect(await received(running, 2)).toMatchObject([
      { operationType: 'update', fullDocument: { _id: 1, n: 2 }, fullDocumentBeforeChange: { _id: 1, n: 1 } },
      { operationType: 'delete', fullDocumentBeforeChange: { _id: 1, n: 2 } },
    ])
  })

  it('fires for its operation types alone', async () => {
    const running = await startTriggers([items({ operation_types: ['DELETE'] })])
    await collection().insertOne({ _id: 1 })
    await collection().deleteOne({ _id: 1 })
    expect((await received(running, 1)).map((event) => event.operationType)).toEqual(['delete'])
  })

  it('matches on the raw event and projects after that, hiding the token if told', async () => {
    const running = await startTriggers([
      items({
        full_document: true,
        match: { 'updateDescription.updatedFields.status': 'paid' },
        project: { _id: 0, operationType: 1, 'fullDocument.status': 1 },
      }),
    ])
    await collection().insertOne({ _id: 1, status: 'paid' })
    await collection().updateOne({ _id: 1 }, { $set: { status: 'open' } })
    await collection().updateOne({ _id: 1 }, { $set: { status: 'paid', secret: 1 } })
    expect(await received(running, 1)).toEqual([{ operationType: 'update', fullDocument: { status: 'paid' } }])
    await running.runner.stop()

    const again = await startTriggers([
      items({
        full_document: true,
        match: { 'updateDescription.updatedFields.status': 'paid' },
        project: { _id: 0, operationType: 1, 'fullDocument.status': 1 },
      }),
    ])
    expect(await received(again, 0)).toEqual([])
  })

  it('runs as the system without a request', async () => {
    const running = await startTriggers(
      [items()],
      'seen.push([context.user, context.runningAsSystem(), context.request])',
    )
    await collection().insertOne({ _id: 1 })
    const system = { type: 'system', data: {}, custom_data: {}, identities: [] }
    expect((await received(running, 2))[1]).toEqual([system, true, {}])
  })

  it('gets BSON types of the BSON global', async () => {
    const body = `const { documentKey, fullDocument } = event
      seen.push([documentKey._id instanceof BSON.ObjectId, fullDocument.price instanceof BSON.Decimal128,
        fullDocument.bytes.text(), event.clusterTime instanceof BSON.Timestamp, fullDocument.n])`
    const running = await startTriggers([items()], body)
    const document = { price: Decimal128.fromString('1.10'), bytes: new Binary(Buffer.from('hi')), n: new Long(5) }
    await client.db(database).collection('items').insertOne(document)
    expect((await received(running, 2))[1]).toEqual([true, true, 'hi', true, 5])
  })

  it('watches a whole database with its collections', async () => {
    const running = await startTriggers([
      items({
        collection: '',
        operation_types: ['INSERT', 'CREATE_COLLECTION', 'RENAME_COLLECTION', 'DROP_COLLECTION'],
      }),
    ])
    await client.db(database).createCollection('a')
    await collection('a').insertOne({ _id: 1 })
    await client.db(database).renameCollection('a', 'b')
    await collection('b').drop()
    const events = await received(running, 4)
    expect(events.map(({ operationType, ns, to }) => [operationType, ns.coll, to?.coll])).toEqual([
      ['create', 'a', undefined],
      ['insert', 'a', undefined],
      ['rename', 'a', 'b'],
      ['drop', 'b', undefined],
    ])
  })

  it('watches a deployment without seeing the runner itself', async () => {
    const running = await startTriggers([
      items({
        database: '',
        collection: '',
        operation_types: ['INSERT'],
        match: { 'ns.db': { $regex: `^${prefix}` } },
      }),
    ])
    await collection('a').insertOne({ _id: 1 })
    await collection('b').insertOne({ _id: 2 })
    expect((await received(running, 2)).map(({ ns }) => ns)).toEqual([
      { db: database, coll: 'a' },
      { db: database, coll: 'b' },
    ])
  })

  it('shares a stream with triggers that watch the same, each firing for its own operations', async () => {
    const running = await startTriggers([
      items({ operation_types: ['INSERT'] }, 'inserts'),
      items({ operation_types: ['DELETE'] }, 'deletes'),
      items({ operation_types: ['INSERT', 'DELETE'] }, 'both'),
    ])
    await collection().insertOne({ _id: 1 })
    await collection().deleteOne({ _id: 1 })
    expect((await received(running, 4)).map((event) => event.operationType)).toEqual([
      'insert',
      'insert',
      'delete',
      'delete',
    ])
  })
})

describe.runIf(server.changeStreams)('order', () => {
  const slow = `seen.push({ started: event.documentKey._id })
    await new Promise((resolve) => setTimeout(resolve, event.documentKey._id === 1 ? 100 : 1))
    seen.push({ ended: event.documentKey._id })`

  it('is strict by default: a function starts when the one before it ended', async () => {
    const running = await startTriggers([items()], slow)
    await collection().insertMany([{ _id: 1 }, { _id: 2 }])
    expect((await received(running, 6)).filter((entry) => !entry.ns)).toEqual([
      { started: 1 },
      { ended: 1 },
      { started: 2 },
      { ended: 2 },
    ])
  })

  it('is given up for unordered triggers', async () => {
    const running = await startTriggers([items({ unordered: true })], slow)
    await collection().insertMany([{ _id: 1 }, { _id: 2 }])
    expect((await received(running, 6)).filter((entry) => !entry.ns)).toEqual([
      { started: 1 },
      { started: 2 },
      { ended: 2 },
      { ended: 1 },
    ])
  })

  it('repeats a function that throws as often as the host was told', async () => {
    const body = 'if (seen.length < 3) throw new Error("boom")'
    const running = await startTriggers([items()], body, { retries: 5 })
    await collection().insertMany([{ _id: 1 }, { _id: 2 }])
    expect(idsOf(await received(running, 4))).toEqual([1, 1, 1, 2])
  })

  it.each([
    ['goes on after a function that lacks a right', { errorCode: 13 }, 1, [1, 2]],
    // The driver repeats a call once by itself.
    ['waits for a database that does not answer', { closeConnection: true }, 2, [1, 1, 2]],
  ])('%s', async (_, failure, times, expected) => {
    const running = await startTriggers([items()], `await db.collection('other').deleteOne({})`)
    await client.db('admin').command({
      configureFailPoint: 'failCommand',
      mode: { times },
      data: { failCommands: ['delete'], ...failure },
    })
    await collection().insertMany([{ _id: 1 }, { _id: 2 }])
    expect(idsOf(await received(running, expected.length))).toEqual(expected)
  })

  it('goes on after a function that throws, which is logged and not repeated', async () => {
    const running = await startTriggers([items()], 'if (event.documentKey._id === 1) throw new Error("boom")')
    await collection().insertMany([{ _id: 1 }, { _id: 2 }])
    expect(idsOf(await received(running, 2))).toEqual([1, 2])
    expect(running.log.filter(({ status }) => status === 'error')).toMatchObject([
      { type: 'trigger', name: 'watch', error: 'boom' },
    ])
  })
})

describe.runIf(server.changeStreams)('more triggers than connections', () => {
  it('all fire, in order, and their functions find a connection', async () => {
    const small = await MongoClient.connect(server.uri, { maxPoolSize: 3, waitQueueTimeoutMS: 5_000 })
    try {
      const names = Array.from({ length: 10 }, (_, n) => `items_${n}`)
      const running = await startTriggers(
        names.map((name) => items({ collection: name }, name)),
        `await db.collection('effects').insertOne({ name: event.ns.coll, n: event.documentKey._id })`,
        {},
        small,
      )
      for (const name of names) await collection(name).insertMany([{ _id: 1 }, { _id: 2 }])
      const effects = client.db(database).collection('effects')
      await until(async () => (await effects.countDocuments()) === 20)
      const all = await effects.find().sort({ name: 1, _id: 1 }).toArray()
      expect(all.map(({ name, n }) => [name, n])).toEqual(
        names.flatMap((name) => [
          [name, 1],
          [name, 2],
        ]),
      )
      await running.runner.stop()
    } finally {
      await small.close()
    }
  })
})

describe.runIf(server.changeStreams)('what a change stream would be refused for', () => {
  it.each<[string, Partial<DatabaseTrigger['config']>, string, string]>([
    [
      'fields that project excludes',
      { project: { operationType: 1, fullDocument: 0 } },
      'invalid',
      'its project excludes "fullDocument": nothing but _id may be excluded',
    ],
    [
      'a source without change streams',
      { service_name: 'lake' },
      'invalid',
      'its data source "lake" has the type "datalake", which has no change streams',
    ],
    [
      'a match that is no query',
      { match: { $bad: 1 } },
      'waiting',
      'the database refused the change stream and is being asked again (BadValue)',
    ],
  ])('is said: %s', async (_, config, state, reason) => {
    const running = await startTriggers([items(config)])
    await until(() => running.runner.status().triggers[0]?.state === state)
    expect(running.runner.status().triggers).toEqual([{ name: 'watch', type: 'DATABASE', state, reason }])
  })
})

describe.runIf(server.changeStreams)('position', () => {
  it('is kept: what happened while nothing ran is delivered after, and nothing twice', async () => {
    const first = await startTriggers([items()])
    await collection().insertOne({ _id: 1 })
    await received(first, 1)
    await first.runner.stop()
    await collection().insertOne({ _id: 2 })
    const second = await startTriggers([items()])
    await collection().insertOne({ _id: 3 })
    expect(idsOf(await received(second, 2))).toEqual([2, 3])
  })

  it('is kept from the start, before the first event', async () => {
    const first = await startTriggers([items()])
    await first.runner.stop()
    await collection().insertOne({ _id: 1 })
    expect(idsOf(await received(await startTriggers([items()]), 1))).toEqual([1])
  })

  it.each([
    [false, [2, 3]],
    [true, [3]],
  ])('of a trigger that was disabled: skip_catchup_events %s delivers %j', async (skip_catchup_events, expected) => {
    const first = await startTriggers([items()])
    await collection().insertOne({ _id: 1 })
    await received(first, 1)
    await first.runner.stop()
    const disabled = await startTriggers([{ ...items(), disabled: true }, items({ collection: 'other' }, 'other')])
    await collection().insertOne({ _id: 2 })
    await disabled.runner.stop()
    const enabled = await startTriggers([items({ skip_catchup_events })])
    await collection().insertOne({ _id: 3 })
    expect(idsOf(await received(enabled, expected.length))).toEqual(expected)
  })

  it('of the only trigger of an app is given up too when that was disabled and skips', async () => {
    const first = await startTriggers([items({ skip_catchup_events: true })])
    await first.runner.stop()
    const disabled = await startTriggers([{ ...items({ skip_catchup_events: true }), disabled: true }])
    await collection().insertOne({ _id: 1 })
    await disabled.runner.stop()
    const enabled = await startTriggers([items({ skip_catchup_events: true })])
    await collection().insertOne({ _id: 2 })
    expect(idsOf(await received(enabled, 1))).toEqual([2])
  })

  it('is one of the collection that was watched: a trigger that watches another starts there from now on', async () => {
    const first = await startTriggers([items({ collection: 'old' })])
    await collection('old').insertOne({ _id: 1 })
    await received(first, 1)
    await collection('old').drop()
    await until(() => first.runner.status().triggers[0]?.state === 'suspended')
    await first.runner.stop()
    await collection().insertOne({ _id: 2 })
    const second = await startTriggers([items()])
    expect(second.runner.status().triggers).toEqual([{ name: 'watch', type: 'DATABASE', state: 'running' }])
    await collection().insertOne({ _id: 3 })
    expect(idsOf(await received(second, 1))).toEqual([3])
  })

  const lost = { token: { _data: '82000000010000000129295A' } }

  it('that the database no longer knows suspends the trigger', async () => {
    await startThenForget()
    const running = await startTriggers([items()])
    await until(() => running.runner.status().triggers[0]?.state === 'suspended')
    expect(running.runner.status().reasons).toEqual([
      'triggers watch: the resume position is no longer in the history of the database',
    ])
    expect(await running.runner.resume('watch', { withToken: false })).toBe(true)
    await collection().insertOne({ _id: 2 })
    expect(idsOf(await received(running, 1))).toEqual([2])
  })

  it('that the database no longer knows is given up when tolerated', async () => {
    await startThenForget()
    const running = await startTriggers([items({ tolerate_resume_errors: true })])
    await until(() => running.runner.status().triggers[0]?.state === 'running')
    await collection().insertOne({ _id: 2 })
    expect(idsOf(await received(running, 1))).toEqual([2])
  })

  async function startThenForget(): Promise<void> {
    const first = await startTriggers([items()])
    await first.runner.stop()
    await client.db(stateDatabase).collection('triggers').updateMany({}, { $set: lost })
  }
})

describe.runIf(server.changeStreams)('suspension', () => {
  it.each([
    ['after its last change', true, [2, 3]],
    ['from now on', false, [3]],
  ])('follows a dropped collection; resuming continues %s', async (_, withToken, expected) => {
    const running = await startTriggers([items({ operation_types: ['INSERT'] })])
    await collection().insertOne({ _id: 1 })
    await received(running, 1)
    await collection().drop()
    await until(() => running.runner.status().triggers[0]?.state === 'suspended')
    expect(running.runner.status().reasons).toEqual([
      'triggers watch: the watched collection or database was dropped or renamed',
    ])
    await collection().insertOne({ _id: 2 })
    await running.runner.stop()

    const restarted = await startTriggers([items({ operation_types: ['INSERT'] })])
    expect(restarted.runner.status().triggers[0]?.state).toBe('suspended')
    expect(await restarted.runner.resume('watch', { withToken })).toBe(true)
    expect(await restarted.runner.resume('watch')).toBe(false)
    await collection().insertOne({ _id: 3 })
    expect(idsOf(await received(restarted, expected.length))).toEqual(expected)
  })

  it('is lifted for a running host by another process', async () => {
    const running = await startTriggers([items()])
    await collection().insertOne({ _id: 1 })
    await received(running, 1)
    await collection().drop()
    await until(() => running.runner.status().triggers[0]?.state === 'suspended')
    await createTriggerRunner(running.runtime).resume('watch')
    await until(() => running.runner.status().triggers[0]?.state === 'running')
  })
})

describe.runIf(server.changeStreams)('two runners', () => {
  it('never act at the same time, and one takes over from the other', async () => {
    const one = await startTriggers([items()])
    const two = await startTriggers([items()])
    expect([one, two].map(({ runner }) => runner.status().active)).toEqual([true, false])
    await collection().insertOne({ _id: 1 })
    await received(one, 1)
    await one.runner.stop()
    await collection().insertOne({ _id: 2 })
    expect(idsOf(await received(two, 1))).toEqual([2])
    expect(idsOf(one.seen)).toEqual([1])
  })

  it('stop acting when the lease went to another', async () => {
    const one = await startTriggers([items()])
    await client
      .db(stateDatabase)
      .collection<{ _id: string }>('trigger_leases')
      .updateOne(
        { _id: 'shop-abcde/triggers' },
        { $set: { holder: 'other', expires_at: new Date(Date.now() + 1_000) }, $inc: { fence: 1 } },
      )
    await until(() => !one.runner.status().active)
    await collection().insertOne({ _id: 1 })
    expect(await received(one, 0)).toEqual([])
    await until(() => one.seen.length === 1)
  })
})

describe.runIf(server.changeStreams)('a function that writes to what it watches', () => {
  it('is named once in the log', async () => {
    const running = await startTriggers(
      [items({ operation_types: ['INSERT'] })],
      `await db.collection('items').updateOne({ _id: event.documentKey._id }, { $set: { done: true } })
       await db.collection('other').insertOne({})`,
    )
    await collection().insertMany([{ _id: 1 }, { _id: 2 }])
    await received(running, 2)
    await until(() => running.log.filter(({ status }) => status === 'ok').length === 2)
    expect(running.log.filter(({ status }) => status === 'error')).toEqual([
      {
        type: 'trigger',
        status: 'error',
        name: 'watch',
        error: `its function writes to ${database}.items, which it watches (INSERT): it may call itself for ever`,
      },
    ])
  })
})

describe.runIf(!server.changeStreams)('a server without change streams', () => {
  it('is said once, and schedules still run', async () => {
    const running = await startTriggers([items(), items({ full_document: true }, 'other')])
    const reason = 'the database has no change streams, so database triggers do not run'
    expect(running.runner.status()).toEqual({
      active: true,
      triggers: ['watch', 'other'].map((name) => ({ name, type: 'DATABASE', state: 'unsupported', reason })),
      reasons: [`triggers watch, other: ${reason}`],
    })
    expect(running.log.map(({ error }) => error)).toEqual([reason])
  })
})
