import { type CommandStartedEvent, type Document, MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Runtime } from '../../../../runtime/runtime.ts'
import {
  type CollectionWatch,
  type WatchRequest,
  watchCollection,
} from '../../../../runtime/streams/watch-collection.ts'
import { startTestDatabase, type TestDatabase } from '../../../support/database.ts'
import { startApp, systemCaller } from '../functions/app.ts'

const database = `watch_test_${process.pid}`
const service = 'mongodb-atlas'
let server: TestDatabase
/** As small as that of a Durable Object. */
let client: MongoClient
let writer: MongoClient
let runtime: Runtime
const commands: CommandStartedEvent[] = []

beforeAll(async () => {
  server = await startTestDatabase()
  client = new MongoClient(server.uri, { maxPoolSize: 3, waitQueueTimeoutMS: 2_000, monitorCommands: true })
  client.on('commandStarted', (event) => commands.push(event))
  writer = await MongoClient.connect(server.uri)
  runtime = startApp(client, { functions: {} }).runtime
})

afterAll(async () => {
  await writer.db(database).dropDatabase()
  await writer.close()
  await client.close()
  await server.close()
})

const open = (collection: string, request: WatchRequest = {}) =>
  watchCollection(runtime, systemCaller, { service, database, collection }, request)

const insert = (collection: string, _id: number) =>
  writer.db(database).collection<{ _id: number }>(collection).insertOne({ _id })

const idOf = (event: Document | undefined) => event?.documentKey._id

const sent = (name: string) => commands.filter(({ commandName }) => commandName === name)

describe('watching', () => {
  it('more collections than there are connections leaves calls answered and every watch told', async (test) => {
    test.skip(!server.changeStreams, 'the server has no change streams')
    const names = Array.from({ length: 12 }, (_, n) => `many_${n}`)
    const watches = await Promise.all(names.map((name) => open(name)))
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    commands.length = 0
    let slowestMs = 0
    for (let n = 0; n < 20; n++) {
      const began = performance.now()
      await runtime.dataAccess(systemCaller).findOne({ service, database, collection: 'many_0' }, {})
      slowestMs = Math.max(slowestMs, performance.now() - began)
    }
    expect(slowestMs).toBeLessThan(500)

    const told = Promise.all(watches.map((watch) => watch.next()))
    await Promise.all(names.map((name, n) => insert(name, n)))
    expect((await told).map(idOf)).toEqual(names.map((_, n) => n))
    // Two of three connections wait for twelve streams, and each has its turn within a second.
    expect(new Set(sent('getMore').map(({ command }) => command.maxTimeMS))).toEqual(new Set([166]))
    await Promise.all(watches.map((watch) => watch.close()))
  })

  it('the same shares one change stream, and whoever joins is told of what changes from then on', async (test) => {
    test.skip(!server.changeStreams, 'the server has no change streams')
    commands.length = 0
    const first = await open('same')
    await insert('same', 1)
    const second = await open('same')
    const filtered = await open('same', { filter: { operationType: 'delete' } })
    await insert('same', 2)
    expect([idOf(await first.next()), idOf(await first.next()), idOf(await second.next())]).toEqual([1, 2, 2])
    expect(sent('aggregate').length).toBe(2)

    await first.close()
    await insert('same', 3)
    expect([idOf(await second.next()), await first.next()]).toEqual([3, undefined])
    await writer.db(database).collection<{ _id: number }>('same').deleteOne({ _id: 3 })
    expect(idOf(await filtered.next())).toBe(3)
    await Promise.all([second.close(), filtered.close()])
    await expect.poll(() => sent('killCursors').length).toBe(2)
  })

  it('one who reads nothing is told so in the end, and the others miss nothing', async (test) => {
    test.skip(!server.changeStreams, 'the server has no change streams')
    const [reader, idler] = [await open('burst'), await open('burst')]
    const ids = Array.from({ length: 1_500 }, (_, n) => n)
    const told: unknown[] = []
    const reading = (async () => {
      while (told.length < ids.length) told.push(idOf(await reader.next()))
    })()
    await writer
      .db(database)
      .collection<{ _id: number }>('burst')
      .insertMany(ids.map((_id) => ({ _id })))
    await reading
    expect(told).toEqual(ids)
    for (let n = 0; n < 1_000; n++) await idler.next()
    await expect(idler.next()).rejects.toThrow('the reader is too slow for this stream')
    await Promise.all([reader.close(), idler.close()])
  })

  it('a collection that is dropped ends for all, after they were told', async (test) => {
    test.skip(!server.changeStreams, 'the server has no change streams')
    await insert('dropped', 1)
    const watches = await Promise.all([open('dropped'), open('dropped')])
    await writer.db(database).collection('dropped').drop()
    const rest = async (watch: CollectionWatch) => {
      const seen: unknown[] = []
      for (let event = await watch.next(); event !== undefined; event = await watch.next())
        seen.push(event.operationType)
      return seen
    }
    expect(await Promise.all(watches.map(rest))).toEqual([
      ['drop', 'invalidate'],
      ['drop', 'invalidate'],
    ])
  })

  it('is refused to everybody who asks, by what the server says', async () => {
    const asks = Array.from({ length: 2 }, () => open('same', { filter: { $bad: 1 } }).catch((error) => error))
    const [one, two] = await Promise.all(asks)
    expect([one.code, two.code, one.message === two.message]).toEqual(['MongoDBError', 'MongoDBError', true])
  })
})
