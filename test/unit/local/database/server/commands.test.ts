import { type Document, Double, Int32, Long } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { failure, localDatabase } from './connect.ts'

const database = localDatabase()
const db = () => database.client.db('commands')

describe('commands', () => {
  it.each<[string, Document, number, string, string]>([
    ['an unknown command', { nonsense: 1 }, 59, 'CommandNotFound', "no such command: 'nonsense'"],
    [
      'a write concern that no set can meet',
      { insert: 'c', documents: [{}], writeConcern: { w: 51 } },
      9,
      'FailedToParse',
      'w has to be a non-negative number and not greater than 50; found: 51',
    ],
    [
      'an explanation of a command that has none',
      { explain: { insert: 'c', documents: [{}] } },
      20,
      'IllegalOperation',
      'Cannot explain cmd: insert',
    ],
    [
      'an explanation of an unknown command',
      { explain: { nonsense: 1 } },
      59,
      'CommandNotFound',
      'Explain failed due to unknown command: nonsense',
    ],
    [
      'an unknown field',
      { find: 'c', nonsense: 1 },
      40415,
      'IDLUnknownField',
      "BSON field 'find.nonsense' is an unknown field.",
    ],
    [
      'a wrong type',
      { find: 'c', filter: 1 },
      14,
      'TypeMismatch',
      "BSON field 'find.filter' is the wrong type 'int', expected type 'object'",
    ],
    [
      'a bad namespace',
      { insert: '$x', documents: [{}] },
      73,
      'InvalidNamespace',
      "Invalid namespace specified 'commands.$x'",
    ],
    [
      'a collection that is there',
      { create: 'there', capped: true, size: 4096 },
      48,
      'NamespaceExists',
      'Collection commands.there already exists.',
    ],
    [
      'a collection that is not',
      { collMod: 'nowhere' },
      26,
      'NamespaceNotFound',
      'ns does not exist: commands.nowhere',
    ],
    [
      'listIndexes of nothing',
      { listIndexes: 'nowhere' },
      26,
      'NamespaceNotFound',
      'ns does not exist: commands.nowhere',
    ],
    [
      'a time series',
      { create: 'series', timeseries: { timeField: 't' } },
      238,
      'NotImplemented',
      'Time series collections are not supported by the local database',
    ],
    [
      'a command of another database',
      { listDatabases: 1 },
      13,
      'Unauthorized',
      'listDatabases may only be run against the admin database.',
    ],
    [
      'a cursor that is gone',
      { getMore: Long.fromNumber(5), collection: 'c' },
      43,
      'CursorNotFound',
      'cursor id 5 not found',
    ],
    ['another API version', { ping: 1, apiVersion: '2' }, 322, 'APIVersionError', 'API version must be "1"'],
    [
      'too few documents',
      { insert: 'c', documents: [] },
      16,
      'InvalidLength',
      'Write batch sizes must be between 1 and 100000. Got 0 operations.',
    ],
  ])('refuse %s', async (_, command, code, codeName, message) => {
    await db().collection('there').insertOne({})
    expect(await failure(db().command(command))).toEqual({ code, codeName, message })
  })

  it('report failed statements beside those that worked', async () => {
    const docs = db().collection<Document>('writes')
    await docs.createIndex({ k: 1 }, { unique: true })
    const documents = [
      { _id: 1, k: 1 },
      { _id: 2, k: 1 },
      { _id: 3, k: 3 },
    ]
    expect(await db().command({ insert: 'writes', documents, ordered: false })).toMatchObject({
      n: 2,
      writeErrors: [{ index: 1, code: 11000, keyPattern: { k: 1 }, keyValue: { k: 1 } }],
    })
    const updates = [
      { q: { _id: 1 }, u: { $set: { n: 1 } } },
      { q: { _id: 9 }, u: { $set: { n: 1 } }, upsert: true },
      { q: {}, u: { $nonsense: 1 } },
      { q: {}, u: { $set: { n: 2 } }, multi: true },
    ]
    expect(await db().command({ update: 'writes', updates, ordered: false })).toMatchObject({
      n: 5,
      nModified: 4,
      upserted: [{ index: 1, _id: 9 }],
      writeErrors: [{ index: 2, code: 9 }],
    })
  })

  it.each<[unknown, Document]>([
    [10, { code: 100, codeName: 'UnsatisfiableWriteConcern', errmsg: 'Not enough data-bearing nodes' }],
    [
      'far',
      {
        code: 79,
        codeName: 'UnknownReplWriteConcern',
        errmsg: "No write concern mode named 'far' found in replica set configuration",
      },
    ],
  ])('write what a set of one cannot confirm to w: %j, and say so', async (w, error) => {
    const collection = db().collection(`confirmed_${w}`)
    const reply = await db()
      .command({ insert: collection.collectionName, documents: [{ _id: 1 }], writeConcern: { w } })
      .catch((thrown) => thrown.errorResponse ?? thrown.result)
    const writeConcern = { w, wtimeout: 0, provenance: 'clientSupplied' }
    expect(reply).toMatchObject({ n: 1, writeConcernError: { ...error, errInfo: { writeConcern } } })
    expect(await collection.countDocuments()).toBe(1)
  })

  it('validate documents as the collection says', async () => {
    const schema = { $jsonSchema: { required: ['name'], properties: { name: { bsonType: 'string' } } } }
    const docs = await db().createCollection<Document>('validated', { validator: schema })
    const error = await docs.insertOne({ _id: 1, name: 5 } as Document).catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 121, message: 'Document failed validation' })
    expect(error.errInfo).toMatchObject({ failingDocumentId: 1, details: { operatorName: '$jsonSchema' } })
    await docs.insertOne({ _id: 2 } as Document, { bypassDocumentValidation: true })
    await db().command({ collMod: 'validated', validationLevel: 'moderate' })
    await docs.updateOne({ _id: 2 } as Document, { $set: { n: 1 } })
    await db().command({ collMod: 'validated', validationAction: 'warn' })
    await docs.insertOne({ _id: 3 } as Document)
  })

  it('keep the types and the order of fields, and give back the same bytes', async () => {
    const docs = db().collection<Document>('types')
    const document: Document = { z: new Double(5), _id: new Int32(1), 2: new Int32(7), 1: Long.fromNumber(7), a: -0 }
    await docs.insertOne(document as Document)
    const found = await docs.findOne({ _id: 1 } as Document, { promoteValues: false })
    expect(Object.keys(found ?? {})).toEqual(['1', '2', '_id', 'z', 'a'])
    expect(found).toMatchObject({ z: new Double(5), 1: Long.fromNumber(7), 2: new Int32(7) })
    const raw = await docs.findOne({ _id: 1 } as Document, { raw: true })
    expect(
      Buffer.from(raw as unknown as Uint8Array).includes(Buffer.from('\x01z\0\0\0\0\0\0\0\x14\x40', 'latin1')),
    ).toBe(true)
  })

  it('give cursors in batches, and forget them when killed', async () => {
    const docs = db().collection<Document>('batches')
    await docs.insertMany(Array.from({ length: 250 }, (_, n) => ({ n })))
    const first = await db().command({ find: 'batches' })
    expect(first.cursor.firstBatch).toHaveLength(101)
    const second = await db().command({
      getMore: Long.fromValue(first.cursor.id),
      collection: 'batches',
      batchSize: 100,
    })
    expect([second.cursor.nextBatch.length, Number(second.cursor.id)]).toEqual([100, Number(first.cursor.id)])
    const killed = await db().command({ killCursors: 'batches', cursors: [first.cursor.id, Long.fromNumber(5)] })
    expect([killed.cursorsKilled.length, killed.cursorsNotFound.length]).toEqual([1, 1])
    const limited = await db().command({ find: 'batches', limit: 5, batchSize: 5 })
    expect(limited.cursor.id).toBe(0)
  })

  it.each<[string, Document, number]>([
    ['skip: NaN', { find: 'counted', skip: Number.NaN }, 2],
    ['limit: NaN', { find: 'counted', limit: Number.NaN }, 2],
    ['limit: 1.9', { find: 'counted', limit: 1.9 }, 1],
    ['limit: Infinity', { find: 'counted', limit: Number.POSITIVE_INFINITY }, 2],
    ['skip: Infinity', { find: 'counted', skip: Number.POSITIVE_INFINITY }, 0],
    ['batchSize: Infinity', { find: 'counted', batchSize: Number.POSITIVE_INFINITY }, 2],
  ])('read %s as the nearest long, NaN as 0', async (_, command, expected) => {
    await db().collection<{ _id: number }>('counted').deleteMany({})
    await db()
      .collection<{ _id: number }>('counted')
      .insertMany([{ _id: 1 }, { _id: 2 }])
    expect((await db().command(command)).cursor.firstBatch).toHaveLength(expected)
  })

  it('write what a pipeline gives', async () => {
    await db()
      .collection('source')
      .insertMany([
        { _id: 1, n: 1 },
        { _id: 2, n: 2 },
      ] as Document[])
    await db()
      .collection<Document>('merged')
      .insertOne({ _id: 2, n: 40, kept: true } as Document)
    await db()
      .collection('source')
      .aggregate([{ $set: { n: { $add: ['$n', 1] } } }, { $merge: 'merged' }])
      .toArray()
    expect(await db().collection('merged').find().sort({ _id: 1 }).toArray()).toEqual([
      { _id: 1, n: 2 },
      { _id: 2, n: 3, kept: true },
    ])
    await db()
      .collection('source')
      .aggregate([{ $match: { n: 2 } }, { $out: 'replaced' }])
      .toArray()
    expect(await db().collection('replaced').find().toArray()).toEqual([{ _id: 2, n: 2 }])
  })

  it('read views as the collections they show', async () => {
    await db()
      .collection('base')
      .insertMany([
        { _id: 1, n: 1 },
        { _id: 2, n: 2 },
        { _id: 3, n: 3 },
      ] as Document[])
    const view = await db().createCollection('view', { viewOn: 'base', pipeline: [{ $match: { n: { $gt: 1 } } }] })
    expect(await view.find({ n: { $lt: 3 } }).toArray()).toEqual([{ _id: 2, n: 2 }])
    expect(await view.countDocuments()).toBe(2)
    expect((await failure(view.insertOne({}))).code).toBe(166)
  })

  it('join through an index', async () => {
    await db()
      .collection('orders')
      .insertMany([
        { _id: 1, user: 'a' },
        { _id: 2, user: 'b' },
      ] as Document[])
    const users = db().collection<Document>('users')
    await users.createIndex({ name: 1 })
    await users.insertMany([
      { name: 'a', age: 1 },
      { name: 'c', age: 2 },
    ])
    const lookup = { from: 'users', localField: 'user', foreignField: 'name', as: 'users' }
    const found = await db()
      .collection('orders')
      .aggregate([{ $lookup: lookup }, { $project: { ages: '$users.age' } }])
      .toArray()
    expect(found).toEqual([
      { _id: 1, ages: [1] },
      { _id: 2, ages: [] },
    ])
  })

  it('keep a capped collection within its bounds, and follow it with a tailable cursor', async () => {
    const capped = await db().createCollection<Document>('capped', { capped: true, size: 4096, max: 3 })
    await capped.insertMany([1, 2, 3, 4].map((_id) => ({ _id }) as Document))
    expect(await capped.find().toArray()).toEqual([{ _id: 2 }, { _id: 3 }, { _id: 4 }])
    const cursor = capped.find({}, { tailable: true, awaitData: true })
    const seen: unknown[] = []
    for (let at = 0; at < 3; at++) seen.push((await cursor.next())?._id)
    const later = cursor.next()
    await capped.insertOne({ _id: 5 } as Document)
    expect([...seen, (await later)?._id]).toEqual([2, 3, 4, 5])
    await cursor.close()
  })

  it('fail as a fail point asks, so often and no longer', async () => {
    const admin = database.client.db('admin')
    await admin.command({
      configureFailPoint: 'failCommand',
      mode: { times: 1 },
      data: { failCommands: ['count'], errorCode: 20 },
    })
    expect((await failure(db().command({ count: 'x' }))).code).toBe(20)
    expect(await db().command({ count: 'x' })).toMatchObject({ n: 0 })
    expect((await failure(admin.command({ configureFailPoint: 'nowhere', mode: 'alwaysOn' }))).code).toBe(2)
  })

  it('insert ten thousand documents in one command', async () => {
    const docs = db().collection<Document>('many')
    await docs.insertMany(Array.from({ length: 10_000 }, (_, n) => ({ n, text: `number ${n}` })))
    expect(await docs.countDocuments({ n: { $gte: 5000 } })).toBe(5000)
  })
})

it('says which condition of a validator a document fails, and how', async () => {
  const db = database.client.db('validated')
  await db.createCollection('rows', { validator: { n: { $gt: 5 } } })
  const error = await db
    .collection<{ _id: number; n: number }>('rows')
    .insertOne({ _id: 1, n: 3 })
    .catch((thrown) => thrown)
  expect(error.errInfo ?? error.errorResponse.errInfo).toEqual({
    failingDocumentId: 1,
    details: {
      operatorName: '$gt',
      specifiedAs: { n: { $gt: 5 } },
      reason: 'comparison failed',
      consideredValue: 3,
    },
  })
})

describe('server parameters', () => {
  const admin = () => database.client.db('admin')

  it('are read and changed', async () => {
    expect(await admin().command({ setParameter: 1, ttlMonitorSleepSecs: 5 })).toMatchObject({ was: 60, ok: 1 })
    expect(await admin().command({ getParameter: 1, ttlMonitorSleepSecs: 1, ttlMonitorEnabled: 1 })).toMatchObject({
      ttlMonitorSleepSecs: 5,
      ttlMonitorEnabled: true,
    })
    await admin().command({ setParameter: 1, ttlMonitorSleepSecs: 60 })
  })

  it.each<[Document, number, string]>([
    [{ nonsense: 1 }, 72, 'attempted to set unrecognized parameter [nonsense], use help:true to see options '],
    [{ enableTestCommands: true }, 20, 'not allowed to change [enableTestCommands] at runtime'],
    [
      { ttlMonitorSleepSecs: 0 },
      2,
      'Invalid value for parameter ttlMonitorSleepSecs: 0 is not greater than or equal to 1',
    ],
    [{ ttlMonitorEnabled: 'x' }, 14, 'Unable to set ttlMonitorEnabled: it must be a boolean'],
    [{}, 72, 'no option found to set, use help:true to see options '],
  ])('are refused when unknown or out of range: %j', async (fields, code, message) => {
    expect(await failure(admin().command({ setParameter: 1, ...fields }))).toMatchObject({ code, message })
  })
})

describe('stages that read the server', () => {
  const docs = () => database.client.db('sources').collection('docs')
  const read = (...pipeline: Document[]) => docs().aggregate(pipeline).toArray()

  it('tell of a collection what is asked', async () => {
    await docs().deleteMany({})
    await docs().insertMany([{ a: 1 }, { a: 2 }])
    const [stats] = await read({ $collStats: { storageStats: {}, count: {}, latencyStats: {}, queryExecStats: {} } })
    expect(stats).toMatchObject({
      ns: 'sources.docs',
      count: 2,
      storageStats: { count: 2, nindexes: 1, capped: false, scaleFactor: 1 },
      latencyStats: { reads: { ops: 0 }, writes: { ops: 0 }, commands: { ops: 0 }, transactions: { ops: 0 } },
      queryExecStats: { collectionScans: { total: 0, nonTailable: 0 } },
    })
    expect(await read({ $indexStats: {} })).toMatchObject([{ name: '_id_', key: { _id: 1 } }])
  })

  it.each<[string, Document[], number, string]>([
    ['an unknown part', [{ $collStats: { x: {} } }], 40415, "BSON field '$collStats.x' is an unknown field."],
    [
      'a part that is no document',
      [{ $collStats: { count: 5 } }],
      14,
      "BSON field '$collStats.count' is the wrong type 'int', expected type 'object'",
    ],
    [
      'a later place',
      [{ $match: {} }, { $collStats: { count: {} } }],
      40602,
      '$collStats is only valid as the first stage in a pipeline',
    ],
    [
      'a collection',
      [{ $currentOp: {} }],
      73,
      "$currentOp must be run against the 'admin' database with {aggregate: 1}",
    ],
  ])('are refused with %s', async (_, pipeline, code, message) => {
    expect(await failure(read(...pipeline))).toMatchObject({ code, message })
  })

  it('are refused where the Stable API is strict, as are fields and commands outside it', async () => {
    const strict = (command: Document) =>
      failure(database.client.db('sources').command({ ...command, apiVersion: '1', apiStrict: true }))
    for (const command of [
      { aggregate: 'docs', pipeline: [{ $indexStats: {} }], cursor: {} },
      { aggregate: 'docs', pipeline: [{ $collStats: { storageStats: {} } }], cursor: {} },
      { find: 'docs', showRecordId: true },
      { create: 'capped', capped: true, size: 1000 },
      { distinct: 'docs', key: 'a' },
    ]) {
      expect(await strict(command)).toMatchObject({ code: 323, codeName: 'APIStrictError' })
    }
    const counted = { aggregate: 'docs', pipeline: [{ $collStats: { count: {} } }], cursor: {} }
    expect(await database.client.db('sources').command({ ...counted, apiVersion: '1', apiStrict: true })).toMatchObject(
      { ok: 1 },
    )
  })
})
