import { Binary, Decimal128, Double, Int32, Long, ObjectId } from 'bson'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestDatabase } from '../../../support/database.ts'
import { startApp, userCaller } from './app.ts'

const database = 'functions_mongodb_test'
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
  const items = client.db(database).collection<{ _id: number; n: number }>('items')
  await items.deleteMany({})
  await items.insertMany([1, 2, 3, 4].map((n) => ({ _id: n, n: n * 10 })))
})

/** Runs a function body with `items` (the collection), `service` and `arg` in scope. */
function run(body: string, arg?: unknown): Promise<unknown> {
  const source = `exports = async (arg) => {
    const service = context.services.get('mongodb-atlas')
    const db = service.db('${database}')
    const items = db.collection('items')
    ${body}
  }`
  const { runtime } = startApp(client, { functions: { f: source } })
  return runtime.callFunction('f', [arg], userCaller(), 'system')
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: { code: string; message: string }) => ({ code: error.code, message: error.message }),
  )

describe('results of calls', () => {
  const id = new ObjectId('5f0000000000000000000001')
  const cases: [string, string, unknown][] = [
    ['findOne', 'return items.findOne({ _id: 1 })', { _id: 1, n: 10 }],
    ['findOne without a match', 'return items.findOne({ _id: 9 })', null],
    ['findOne with a projection', 'return items.findOne({ _id: 1 }, { n: 1, _id: 0 })', { n: 10 }],
    ['findOne with options', 'return items.findOne({}, { sort: { n: -1 }, projection: { n: 1, _id: 0 } })', { n: 40 }],
    ['findOne without arguments', 'return (await items.findOne()) !== null', true],
    ['find with options second', 'return items.find({}, { sort: { n: -1 }, limit: 1 })', [{ _id: 4, n: 40 }]],
    ['find with options third', 'return items.find({}, {}, { sort: { n: -1 }, limit: 1 })', [{ _id: 4, n: 40 }]],
    ['a projection of a field named sort', 'return items.find({ _id: 1 }, { sort: 1 })', [{ _id: 1 }]],
    ['insertOne', 'return items.insertOne({ _id: 5 })', { insertedId: 5 }],
    ['insertOne with an id of ours', 'return items.insertOne({ _id: arg })', { insertedId: id }],
    [
      'insertOne with a generated id',
      `const { insertedId } = await items.insertOne({}); return [insertedId instanceof BSON.ObjectId, await items.count({ _id: insertedId })]`,
      [true, 1],
    ],
    [
      'an upsert with a generated id',
      `const { upsertedId } = await items.updateOne({ m: 1 }, { $set: { n: 1 } }, { upsert: true }); return upsertedId instanceof BSON.ObjectId`,
      true,
    ],
    ['aggregate of the database', 'return db.aggregate([{ $documents: [{ a: 1 }] }])', [{ a: 1 }]],
    ['insertMany', 'return items.insertMany([{ _id: 6 }, { _id: 5 }])', { insertedIds: [6, 5] }],
    ['updateOne', 'return items.updateOne({ _id: 1 }, { $set: { n: 0 } })', { matchedCount: 1, modifiedCount: 1 }],
    ['updateMany', 'return items.updateMany({}, { $inc: { n: 1 } })', { matchedCount: 4, modifiedCount: 4 }],
    [
      'an upsert',
      'return items.updateOne({ _id: 9 }, { $set: { n: 1 } }, { upsert: true })',
      { matchedCount: 0, modifiedCount: 0, upsertedId: 9 },
    ],
    ['replaceOne', 'return items.replaceOne({ _id: 1 }, { m: 1 })', { matchedCount: 1, modifiedCount: 1 }],
    ['deleteOne', 'return items.deleteOne({ _id: 1 })', { deletedCount: 1 }],
    ['deleteMany', 'return items.deleteMany({ n: { $gt: 10 } })', { deletedCount: 3 }],
    ['findOneAndUpdate', 'return items.findOneAndUpdate({ _id: 1 }, { $set: { n: 0 } })', { _id: 1, n: 10 }],
    [
      'findOneAndUpdate, new document',
      'return items.findOneAndUpdate({ _id: 1 }, { $set: { n: 0 } }, { returnNewDocument: true })',
      { _id: 1, n: 0 },
    ],
    [
      'findOneAndUpdate, driver spelling',
      `return items.findOneAndUpdate({ _id: 1 }, { $set: { n: 0 } }, { returnDocument: 'after' })`,
      { _id: 1, n: 0 },
    ],
    ['findOneAndReplace', 'return items.findOneAndReplace({ _id: 1 }, { m: 1 })', { _id: 1, n: 10 }],
    ['findOneAndDelete', 'return items.findOneAndDelete({ _id: 1 })', { _id: 1, n: 10 }],
    ['findOneAndDelete without a match', 'return items.findOneAndDelete({ _id: 9 })', null],
    ['count', 'return items.count({ n: { $lt: 30 } })', 2],
    ['countDocuments', 'return items.countDocuments()', 4],
    ['estimatedDocumentCount', 'return items.estimatedDocumentCount()', 4],
    ['distinct', `return items.distinct('n', { _id: { $lt: 3 } })`, [10, 20]],
    ['aggregate', 'return items.aggregate([{ $match: { _id: 2 } }, { $set: { m: 1 } }])', [{ _id: 2, n: 20, m: 1 }]],
    [
      'bulkWrite',
      'return items.bulkWrite([{ insertOne: { document: { _id: 5 } } }, { deleteOne: { filter: { _id: 1 } } }])',
      null,
    ],
    [
      'a bulk operation',
      `const bulk = items.initializeOrderedBulkOp()
       bulk.insert({ _id: 5, n: 1 }); bulk.find({ _id: 5 }).updateOne({ $set: { n: 2 } }); bulk.find({ _id: 1 }).remove()
       await bulk.execute()
       return [await items.findOne({ _id: 5 }), await items.findOne({ _id: 1 })]`,
      [{ _id: 5, n: 2 }, null],
    ],
    ['getCollectionNames', 'return (await db.getCollectionNames()).includes("items")', true],
    ['getDBNames', `return (await service.admin().getDBNames()).includes('${database}')`, true],
  ]
  it.each(cases)('%s', async (_, body, expected) => {
    expect(await run(body, id)).toEqual(expected)
  })
})

describe('cursors', () => {
  const ids = (body: string) => run(`const cursor = items.find({}, { _id: 1 }).sort({ _id: 1 }); ${body}`)

  it('read document by document and end with undefined', async () => {
    expect(
      await ids(
        'cursor.limit(1); return [await cursor.next(), (await cursor.next()) === undefined, await cursor.hasNext()]',
      ),
    ).toEqual([{ _id: 1 }, true, false])
  })

  it('stay cursors when awaited, and become arrays when returned, also inside a value', async () => {
    expect(await ids('const awaited = await cursor; return awaited')).toHaveLength(4)
    expect(
      await ids(
        'const awaited = await cursor.limit(1); return { list: awaited, nested: [{ one: items.find({ _id: 2 }) }] }',
      ),
    ).toEqual({ list: [{ _id: 1 }], nested: [{ one: [{ _id: 2, n: 20 }] }] })
  })

  it('have forEach, map, hasNext and async iteration', async () => {
    expect(await ids('const seen = []; await cursor.forEach((d) => { seen.push(d._id) }); return seen')).toEqual([
      1, 2, 3, 4,
    ])
    expect(await ids('return cursor.map((d) => d._id).toArray()')).toEqual([1, 2, 3, 4])
    expect(await ids('const seen = []; for await (const d of cursor) seen.push(d._id); return seen')).toEqual([
      1, 2, 3, 4,
    ])
    expect(
      await ids('const seen = []; while (await cursor.hasNext()) seen.push((await cursor.next())._id); return seen'),
    ).toEqual([1, 2, 3, 4])
  })

  it('skip and limit, before the first read only', async () => {
    expect(await ids('return cursor.skip(1).limit(2)')).toEqual([{ _id: 2 }, { _id: 3 }])
    expect(await failure(ids('await cursor.next(); cursor.sort({ n: 1 })'))).toEqual({
      code: 'FunctionExecutionError',
      message: 'the cursor has already been read from',
    })
  })
})

describe('types', () => {
  it('reads numbers as numbers, and BSON types of the BSON global', async () => {
    await client
      .db(database)
      .collection('items')
      .insertOne({
        _id: 'types' as never,
        int: new Int32(1),
        long: Long.fromNumber(3_000_000_000),
        unsafe: Long.fromString('9007199254740993'),
        double: new Double(2),
        decimal: Decimal128.fromString('1.10'),
        binary: new Binary(new TextEncoder().encode('hi')),
        oid: new ObjectId('5f0000000000000000000001'),
        date: new Date(0),
        regex: /^a/i,
      })
    expect(
      await run(`const d = await items.findOne({ _id: 'types' })
        return [d.int + 1, d.long + 1, d.unsafe instanceof BSON.Long, d.double, d.decimal.toString(), d.binary.text(),
          d.oid instanceof BSON.ObjectId, d.date instanceof Date, d.regex instanceof BSON.BSONRegExp]`),
    ).toEqual([2, 3_000_000_001, true, 2, '1.10', 'hi', true, true, true])
  })

  it('stores integral numbers as int32 and int64, others as double', async () => {
    await run('return items.insertOne({ _id: 7, small: 1, big: 3000000000, half: 0.5, none: undefined })')
    const types = {
      small: { $type: '$small' },
      big: { $type: '$big' },
      half: { $type: '$half' },
      none: { $type: '$none' },
    }
    expect(
      await client
        .db(database)
        .collection<{ _id: number }>('items')
        .aggregate([{ $match: { _id: 7 } }, { $project: { _id: 0, ...types } }])
        .next(),
    ).toEqual({ small: 'int', big: 'long', half: 'double', none: 'null' })
  })
})

describe('refusals', () => {
  it('shows the server code to the function and its text to the client', async () => {
    expect(await run('try { await items.insertOne({ _id: 1 }) } catch (error) { return error.code }')).toBe(11000)
    expect(await failure(run('await items.insertOne({ _id: 1 })'))).toMatchObject({
      code: 'FunctionExecutionError',
      message: expect.stringMatching(/duplicate key/i),
    })
  })

  const cases: [string, string, string][] = [
    [
      'items.watch()',
      'ServiceCommandNotFound',
      'collection.watch() is not available in functions: use a database trigger',
    ],
    [
      'await items.createIndex({ n: 1 })',
      'ServiceCommandNotFound',
      'collection.createIndex() is not available in functions: create indexes with a MongoDB tool',
    ],
    [
      'await db.command({ ping: 1 })',
      'ServiceCommandNotFound',
      'db.command() is not available in functions: use the methods of a collection',
    ],
    [
      'db.getCollectionNames().includes("a")',
      'FunctionExecutionError',
      'db.getCollectionNames() is asynchronous here: write "await db.getCollectionNames()"',
    ],
    ['await items.find("x").toArray()', 'FunctionExecutionError', 'the query must be a document'],
    ['await items.insertOne()', 'FunctionExecutionError', 'the document must be a document'],
    ['await items.insertMany({})', 'FunctionExecutionError', 'the documents must be an array'],
    [
      'await items.findOne({}, {}, { session: {} })',
      'FunctionExecutionError',
      'options.session must come from startSession() of the same service',
    ],
    ['service.db("")', 'FunctionExecutionError', 'the database name must be a non-empty string'],
  ]
  it.each(cases)('refuses %s', async (body, code, message) => {
    expect(await failure(run(body))).toEqual({ code, message })
  })

  it('refuses data sources of other types when they are used', async () => {
    const { runtime } = startApp(client, {
      functions: { f: 'exports = () => context.services.get("lake").db("x")' },
      definition: { dataSources: [{ name: 'lake', type: 'datalake', collections: [] }] },
    })
    expect(await failure(runtime.callFunction('f', [], userCaller(), 'client'))).toEqual({
      code: 'ServiceTypeNotFound',
      message: 'the data source "lake" has the type "datalake", which is not served here',
    })
  })
})

describe('transactions', () => {
  it('commit what was done with the session, and keep the return value', async () => {
    expect(
      await run(`const session = service.startSession()
        const value = await session.withTransaction(async () => {
          await items.insertOne({ _id: 5 }, { session })
          await items.updateOne({ _id: 1 }, { $set: { n: 0 } }, { session })
          return 'done'
        })
        session.endSession()
        return [value, await items.count()]`),
    ).toEqual(['done', 5])
  })

  it('roll back when the body throws, except what was done without the session', async () => {
    expect(
      await run(`const session = service.startSession()
        let message
        try {
          await session.withTransaction(async () => {
            await items.insertOne({ _id: 5 }, { session })
            await items.insertOne({ _id: 6 })
            throw new Error('no')
          })
        } catch (error) { message = error.message } finally { session.endSession() }
        return [message, await items.distinct('_id', { _id: { $gt: 4 } })]`),
    ).toEqual(['no', [6]])
  })

  it('start, abort and end by hand', async () => {
    expect(
      await run(`const session = service.startSession()
        session.startTransaction()
        await items.insertOne({ _id: 5 }, { session })
        const inside = await items.findOne({ _id: 5 }, {}, { session })
        await session.abortTransaction()
        await session.endSession()
        return [inside, await items.findOne({ _id: 5 })]`),
    ).toEqual([{ _id: 5 }, null])
  })

  it('keep the error of a failed transaction when the function aborts it again', async () => {
    const failed = run(`const session = service.startSession()
      try {
        await session.withTransaction(async () => {
          await items.insertOne({ _id: 5 }, { session })
          throw new Error('out of stock')
        })
      } catch (error) {
        await session.abortTransaction()
        throw error
      } finally { session.endSession() }`)
    expect(await failure(failed)).toEqual({ code: 'FunctionExecutionError', message: 'out of stock' })
  })

  it.each([
    ['before one began', ''],
    [
      'after a commit',
      'session.startTransaction(); await items.insertOne({ _id: 5 }, { session }); await session.commitTransaction()',
    ],
    ['twice', 'session.startTransaction(); await session.abortTransaction()'],
  ])('are aborted %s without effect', async (_, before) => {
    expect(
      await run(`const session = service.startSession(); ${before}
      await session.abortTransaction()
      await session.endSession()
      return session.inTransaction()`),
    ).toBe(false)
  })
})

describe('work that a function does not await', () => {
  const source = `exports = () => {
    const items = context.services.get('mongodb-atlas').db('${database}').collection('items')
    items.find({}).forEach((d) => items.updateOne({ _id: d._id }, { $set: { touched: true } }))
    items.insertOne({ _id: 1 })
  }`
  const touched = () => client.db(database).collection('items').countDocuments({ touched: true })

  it('is done before the run of a trigger counts as done', async () => {
    const { runtime } = startApp(client, { functions: { f: source } })
    await runtime.callFunction('f', [], userCaller(), 'trigger')
    expect(await touched()).toBe(4)
  })

  it('goes on after the answer to a client, and its errors hurt no one', async () => {
    const { runtime } = startApp(client, { functions: { f: source } })
    await runtime.callFunction('f', [], userCaller(), 'client')
    await expect.poll(touched).toBe(4)
  })
})
