import { Double, Int32, Long, ObjectId, UUID } from 'bson'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { DataAccess, Namespace } from '../../../../runtime/data/data-access.ts'
import { AppError } from '../../../../runtime/errors.ts'
import { type RulesTestApp, service, startRulesApp } from '../../../support/rules-app.ts'

describe("the system's data path", () => {
  let app: RulesTestApp
  let data: DataAccess
  let ns: Namespace
  beforeAll(async () => {
    app = await startRulesApp('system')
    data = app.data('system')
  })
  beforeEach(async () => {
    ns = await app.collection({}, [
      { _id: 1, n: 1 },
      { _id: 2, n: 2.5 },
    ])
  })
  afterAll(() => app.close())

  it('hands out documents with their BSON types', async () => {
    const typed = { _id: 3, l: Long.fromString('5'), d: new Double(1), u: new UUID(), r: /^a/i, at: new Date(0) }
    await data.insertOne(ns, typed)
    expect(await data.findOne(ns, { _id: 3 })).toEqual({
      ...typed,
      _id: new Int32(3),
      r: expect.objectContaining({ pattern: '^a', options: 'i' }),
    })
    expect(await data.distinct(ns, '_id', {})).toEqual([new Int32(1), new Int32(2), new Int32(3)])
  })

  it('gives a new document an ObjectId and leaves the given one as it is', async () => {
    const document = { x: 1 }
    const { insertedId } = await data.insertOne(ns, document)
    expect(insertedId).toBeInstanceOf(ObjectId)
    expect(document).toEqual({ x: 1 })
    const { insertedIds } = await data.insertMany(ns, [{ _id: 'a' }, { x: 2 }])
    expect(insertedIds).toEqual(['a', expect.any(ObjectId)])
    expect(Object.keys((await data.findOne(ns, { x: 2 })) ?? {})).toEqual(['_id', 'x'])
  })

  it('reports writes by their counts', async () => {
    expect(await data.updateMany(ns, {}, { $set: { n: 1 } })).toEqual({ matchedCount: 2, modifiedCount: 1 })
    expect(await data.replaceOne(ns, { _id: 9 }, { z: 1 }, { upsert: true })).toEqual({
      matchedCount: 0,
      modifiedCount: 0,
      upsertedId: new Int32(9),
    })
    expect(await data.findOneAndUpdate(ns, { _id: 1 }, { $inc: { n: 1 } })).toEqual({
      _id: new Int32(1),
      n: new Int32(1),
    })
    expect(await data.findOneAndReplace(ns, { _id: 1 }, { n: 7 }, { returnNewDocument: true })).toEqual({
      _id: new Int32(1),
      n: new Int32(7),
    })
    expect(await data.findOneAndDelete(ns, { _id: 5 })).toBeNull()
    await data.bulkWrite(ns, [{ insertOne: { document: { _id: 5 } } }, { deleteOne: { filter: { _id: 1 } } }])
    expect(await data.count(ns, {})).toBe(3)
    expect(await data.deleteMany(ns, { _id: { $gt: 1 } })).toEqual({ deletedCount: 3 })
  })

  it('reads lazily and stops when told', async () => {
    const cursor = data.find(ns, {}, { sort: { _id: -1 } })
    expect(await cursor.next()).toMatchObject({ _id: new Int32(2) })
    await cursor.close()
    expect(await cursor.next()).toBeNull()
    const never = data.find(ns, { $bad: 1 })
    await never.close()
    expect(await data.aggregate(ns, [{ $count: 'n' }]).toArray()).toEqual([{ n: new Int32(2) }])
    const seen: unknown[] = []
    for await (const document of data.findEncoded(ns, {})) seen.push(document instanceof Uint8Array)
    expect(seen).toEqual([true, true])
  })

  it('returns 50,000 documents at most', async () => {
    const many = Array.from({ length: 50_100 }, (_, _id) => ({ _id }))
    const large = await app.collection({}, [])
    for (const part of [many.slice(0, 25_000), many.slice(25_000, 50_000), many.slice(50_000)]) {
      await data.insertMany(large, part)
    }
    let found = 0
    for await (const _document of data.findEncoded(large, {})) found++
    let aggregated = 0
    for await (const _document of data.aggregateEncoded(large, [])) aggregated++
    expect([found, aggregated, await data.count(large, {})]).toEqual([50_000, 50_000, 50_100])
  })

  it.each<[string, () => Promise<unknown>, Partial<AppError>]>([
    [
      'an unknown service',
      () => data.findOne({ ...ns, service: 'x' }, {}),
      { code: 'ServiceNotFound', message: "service not found: 'x'" },
    ],
    [
      'a bad collection name',
      () => data.findOne({ ...ns, collection: '' }, {}),
      { code: 'MongoDBError', message: expect.not.stringContaining('mongodb://') },
    ],
    [
      'a bad operator',
      () => data.findOne(ns, { $bad: 1 }),
      { code: 'MongoDBError', message: expect.stringContaining('unknown top level operator: $bad') },
    ],
    [
      '$currentOp',
      () => data.aggregate(ns, [{ $currentOp: {} }]).toArray(),
      { message: "aggregation stage '$currentOp' is not available" },
    ],
    [
      'a duplicate key',
      () => data.insertOne(ns, { _id: 1 }),
      { code: 'MongoDBError', message: expect.stringMatching(/duplicate key/i) },
    ],
    ['an empty batch', () => data.insertMany(ns, []), { code: 'MongoDBError' }],
  ])('refuses %s', async (_what, call, expected) => {
    await expect(call()).rejects.toBeInstanceOf(AppError)
    await expect(call()).rejects.toMatchObject(expected)
  })

  it('answers 503 without an address when the database does not', async () => {
    const down = new MongoClient('mongodb://user:secret@127.0.0.1:1/?serverSelectionTimeoutMS=100')
    const options = { ...app.runtime().options, clientFor: () => down }
    const { createRuntime } = await import('../../../../runtime/create-runtime.ts')
    const unreachable = createRuntime(options).dataAccess({
      user: { id: '', type: 'system', data: {}, custom_data: {}, identities: [] },
      runAsSystem: true,
      request: {},
      requestId: 'test',
    })
    await expect(unreachable.findOne(ns, {})).rejects.toMatchObject({
      code: 'MongoDBError',
      status: 503,
      message: 'database unavailable',
    })
    await down.close()
  })

  it('lists names and starts sessions', async () => {
    expect(await data.listCollectionNames(service, app.database)).toContain(ns.collection)
    expect(await data.listDatabaseNames(service)).toContain(app.database)
    const session = data.startSession(service)
    await session.withTransaction(async () => {
      await data.updateOne(ns, { _id: 1 }, { $set: { n: 9 } }, { session })
      expect(await data.findOne(ns, { _id: 1 }, { session })).toEqual({ _id: new Int32(1), n: new Int32(9) })
      await session.abortTransaction()
    })
    await session.endSession()
    expect(await data.findOne(ns, { _id: 1 })).toEqual({ _id: new Int32(1), n: new Int32(1) })
  })
})
