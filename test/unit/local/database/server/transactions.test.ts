import { type ClientSession, Long, MongoClient, UUID } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { failure, localDatabase } from './connect.ts'
import { rawCommand } from './raw.ts'

const database = localDatabase()
const collection = (name: string) =>
  database.client.db('transactions').collection<{ _id: number; n?: number; k?: string }>(name)

async function inTransactions(count: number, work: (...sessions: ClientSession[]) => Promise<void>): Promise<void> {
  const sessions = Array.from({ length: count }, () => database.client.startSession())
  try {
    for (const session of sessions) session.startTransaction()
    await work(...sessions)
  } finally {
    for (const session of sessions) await session.endSession()
  }
}

describe('transactions', () => {
  it('read one moment and their own writes, unseen by others until the commit', async () => {
    const docs = collection('snapshot')
    await docs.insertMany([
      { _id: 1, n: 1 },
      { _id: 2, n: 2 },
    ])
    await docs.createIndex({ n: 1 })
    await inTransactions(1, async (session) => {
      expect(await docs.findOne({ _id: 1 }, { session: session! })).toEqual({ _id: 1, n: 1 })
      await docs.updateOne({ _id: 1 }, { $set: { n: 10 } })
      await docs.deleteOne({ _id: 2 })
      await docs.insertOne({ _id: 3, n: 3 })
      await docs.insertOne({ _id: 4, n: 4 }, { session: session! })
      const seen = await docs
        .find({ n: { $gt: 0 } }, { session: session! })
        .sort({ n: 1 })
        .toArray()
      expect(seen).toEqual([
        { _id: 1, n: 1 },
        { _id: 2, n: 2 },
        { _id: 4, n: 4 },
      ])
      expect(await docs.countDocuments({}, { session: session! })).toBe(3)
      expect(await docs.findOne({ _id: 4 })).toBeNull()
      await session!.commitTransaction()
      await session!.commitTransaction()
    })
    expect(await docs.find().sort({ _id: 1 }).toArray()).toEqual([
      { _id: 1, n: 10 },
      { _id: 3, n: 3 },
      { _id: 4, n: 4 },
    ])
  })

  it('conflict when two write the same document, and when one was changed meanwhile', async () => {
    const docs = collection('conflict')
    await docs.insertMany([
      { _id: 1, n: 0 },
      { _id: 2, n: 0 },
    ])
    await inTransactions(2, async (first, second) => {
      await docs.updateOne({ _id: 1 }, { $inc: { n: 1 } }, { session: first! })
      await docs.findOne({ _id: 2 }, { session: second! })
      await docs.updateOne({ _id: 2 }, { $inc: { n: 100 } })
      const late = await docs.updateOne({ _id: 2 }, { $inc: { n: 1 } }, { session: second! }).catch((error) => error)
      expect(late).toMatchObject({ code: 112, codeName: 'WriteConflict' })
      expect(late.hasErrorLabel('TransientTransactionError')).toBe(true)
      expect(await failure(docs.findOne({ _id: 1 }, { session: second! }))).toMatchObject({
        code: 251,
        codeName: 'NoSuchTransaction',
      })
      await first!.commitTransaction()
    })
    expect(await docs.find().toArray()).toEqual([
      { _id: 1, n: 1 },
      { _id: 2, n: 100 },
    ])
  })

  it('hold back other writers of the same document or unique key until they end', async () => {
    const docs = collection('waiting')
    await docs.createIndex({ k: 1 }, { unique: true })
    await docs.insertOne({ _id: 1, n: 0, k: 'a' })
    await inTransactions(1, async (session) => {
      await docs.updateOne({ _id: 1 }, { $inc: { n: 1 } }, { session: session! })
      await docs.insertOne({ _id: 2, k: 'b' }, { session: session! })
      const outside = docs.updateOne({ _id: 1 }, { $inc: { n: 10 } })
      const duplicate = failure(docs.insertOne({ _id: 3, k: 'b' }))
      expect((await failure(docs.updateOne({ _id: 1 }, { $inc: { n: 5 } }, { maxTimeMS: 30 }))).code).toBe(50)
      await session!.commitTransaction()
      await outside
      expect((await duplicate).code).toBe(11000)
    })
    expect(await docs.findOne({ _id: 1 })).toEqual({ _id: 1, n: 11, k: 'a' })
  })

  it('leave nothing behind when aborted', async () => {
    const docs = collection('aborted')
    await inTransactions(1, async (session) => {
      await docs.insertOne({ _id: 1 }, { session: session! })
      await session!.abortTransaction()
    })
    expect(await database.client.db('transactions').listCollections({ name: 'aborted' }).toArray()).toEqual([])
    await docs.insertOne({ _id: 1 })
  })

  it('end when their client is gone', async () => {
    const docs = collection('gone')
    await docs.insertOne({ _id: 1, n: 0 })
    // Raw: a driver's session would abort politely when its client closes.
    await rawCommand(database.port, {
      update: 'gone',
      $db: 'transactions',
      updates: [{ q: { _id: 1 }, u: { $set: { n: 9 } } }],
      lsid: { id: new UUID() },
      txnNumber: Long.fromNumber(1),
      startTransaction: true,
      autocommit: false,
    })
    await docs.updateOne({ _id: 1 }, { $inc: { n: 1 } })
    expect(await docs.findOne({ _id: 1 })).toEqual({ _id: 1, n: 1 })
  })

  it('end after 60 seconds', async () => {
    const { startDatabase } = await import('../../../../../local/database/main.ts')
    let now = Date.now()
    const own = await startDatabase({ now: () => new Date(now) })
    const client = new MongoClient(own.uri)
    const docs = client.db('late').collection<{ _id: number }>('docs')
    const session = client.startSession()
    session.startTransaction()
    await docs.insertOne({ _id: 1 }, { session })
    now += 60_001
    expect((await failure(docs.findOne({ _id: 1 }, { session }))).code).toBe(251)
    await session.endSession()
    await client.close()
    await own.close()
  })

  it('end after as long as the server is told, though nobody asks meanwhile', async () => {
    const admin = database.client.db('admin')
    const docs = collection('lifetime')
    await docs.insertOne({ _id: 1, n: 0 })
    expect(await admin.command({ setParameter: 1, transactionLifetimeLimitSeconds: 1 })).toMatchObject({ was: 60 })
    await inTransactions(1, async (session) => {
      await docs.updateOne({ _id: 1 }, { $inc: { n: 10 } }, { session: session! })
      await docs.updateOne({ _id: 1 }, { $inc: { n: 1 } })
      expect((await failure(session!.commitTransaction())).code).toBe(251)
    })
    expect(await admin.command({ setParameter: 1, transactionLifetimeLimitSeconds: 60 })).toMatchObject({ was: 1 })
    expect(await docs.findOne()).toEqual({ _id: 1, n: 1 })
  })

  it.each<[string, (lsid: object) => object]>([
    ['killSessions', (lsid) => ({ killSessions: [lsid] })],
    ['endSessions', (lsid) => ({ endSessions: [lsid] })],
    ['killAllSessions', () => ({ killAllSessions: [] })],
  ])('end with their session by %s', async (_, command) => {
    const docs = collection('killed')
    await docs.deleteMany({})
    await docs.insertOne({ _id: 1, n: 0 })
    await inTransactions(1, async (session) => {
      await docs.updateOne({ _id: 1 }, { $inc: { n: 10 } }, { session: session! })
      await database.client.db('admin').command(command(session!.id!))
      await docs.updateOne({ _id: 1 }, { $inc: { n: 1 } })
      expect((await failure(session!.commitTransaction())).code).toBe(251)
    })
    expect(await docs.findOne()).toEqual({ _id: 1, n: 1 })
  })

  it.each<[string, object, number, string]>([
    ['count', { count: 'x' }, 263, "Cannot run 'count' in a multi-document transaction."],
    ['listCollections', { listCollections: 1 }, 263, "Cannot run 'listCollections' in a multi-document transaction."],
    ['drop', { drop: 'there' }, 263, "Cannot run 'drop' in a multi-document transaction."],
    [
      'an index of a collection that is there',
      { createIndexes: 'there', indexes: [{ key: { a: 1 }, name: 'a_1' }] },
      263,
      'Cannot create new indexes on existing collection transactions.there in a multi-document transaction.',
    ],
    [
      'a write concern of its own',
      { insert: 'there', documents: [{}], writeConcern: { w: 1 } },
      72,
      'writeConcern is not allowed within a multi-statement transaction',
    ],
    [
      '$out',
      { aggregate: 'there', pipeline: [{ $out: 'x' }], cursor: {} },
      263,
      '$out cannot be used in a transaction',
    ],
  ])('refuse what MongoDB refuses in them: %s', async (_, command, code, message) => {
    await collection('there').updateOne({ _id: 1 }, { $set: { n: 1 } }, { upsert: true })
    await inTransactions(1, async (session) => {
      const run = database.client.db('transactions').command(command, { session: session! })
      expect(await failure(run)).toMatchObject({ code, message })
    })
  })

  it.each<[string, object, number, string]>([
    [
      'autocommit without a number',
      { autocommit: false },
      72,
      "'autocommit' field requires a transaction number to also be specified",
    ],
    [
      'autocommit that is true',
      { txnNumber: new Long(1), autocommit: true },
      72,
      'Specifying autocommit=true is not allowed.',
    ],
    [
      'a start without autocommit',
      { txnNumber: new Long(1), startTransaction: true },
      72,
      "'startTransaction' field requires 'autocommit' field to also be specified",
    ],
    [
      'a transaction that was never started',
      { txnNumber: new Long(1), autocommit: false },
      251,
      'Given transaction number 1 does not match any in-progress transactions. The active transaction number is -1',
    ],
    [
      'a number for a read',
      { txnNumber: new Long(1) },
      50768,
      'txnNumber may be provided only for multi-document transactions and retryable write commands. autocommit:false was not provided, and find is not a retryable write command.',
    ],
  ])('are asked for in whole: %s is refused', async (_, fields, code, errmsg) => {
    const command = { find: 'there', $db: 'transactions', lsid: { id: new UUID() }, ...fields }
    expect(await rawCommand(database.port, command)).toMatchObject({ ok: 0, code, errmsg })
  })

  it('make collections and their indexes with the first documents', async () => {
    const db = database.client.db('transactions')
    await inTransactions(1, async (session) => {
      const docs = await db.createCollection<{ _id: number; a?: number }>('made', { session: session! })
      await docs.createIndex({ a: 1 }, { unique: true, session: session! })
      await docs.insertOne({ _id: 1, a: 1 }, { session: session! })
      expect(await db.listCollections({ name: 'made' }).toArray()).toEqual([])
      await session!.commitTransaction()
    })
    expect(await failure(db.collection<{ _id: number; a?: number }>('made').insertOne({ _id: 2, a: 1 }))).toMatchObject(
      {
        code: 11000,
      },
    )
  })
})

describe('retryable writes', () => {
  const lsid = { id: new UUID() }
  const run = (txnNumber: number, command: object) =>
    rawCommand(database.port, { ...command, $db: 'retries', lsid, txnNumber: Long.fromNumber(txnNumber) })

  it('have their effect once and answer the same when sent again', async () => {
    const insert = { insert: 'docs', documents: [{ _id: 1, n: 0 }] }
    expect(await run(1, insert)).toMatchObject({ n: 1 })
    expect(await run(1, insert)).toMatchObject({ n: 1, retriedStmtIds: [0] })
    const update = { update: 'docs', updates: [{ q: { _id: 1 }, u: { $inc: { n: 1 } } }] }
    expect(await run(2, update)).toMatchObject({ n: 1, nModified: 1 })
    expect(await run(2, update)).toMatchObject({ n: 1, nModified: 1, retriedStmtIds: [0] })
    const modify = { findAndModify: 'docs', query: { _id: 1 }, update: { $inc: { n: 1 } }, new: true }
    expect((await run(3, modify)).value).toEqual({ _id: 1, n: 2 })
    expect(await run(3, modify)).toMatchObject({ value: { _id: 1, n: 2 }, retriedStmtId: 0 })
    expect(await database.client.db('retries').collection('docs').find().toArray()).toEqual([{ _id: 1, n: 2 }])
  })

  it('refuse a number older than the latest, and statements that touch many', async () => {
    const remove = (limit: number) => ({ delete: 'docs', deletes: [{ q: {}, limit }] })
    await run(8, remove(1))
    expect(await run(7, remove(1))).toMatchObject({ ok: 0, code: 225, codeName: 'TransactionTooOld' })
    expect(await run(9, remove(0))).toMatchObject({ writeErrors: [{ code: 72 }] })
  })
})
