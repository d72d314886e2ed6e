import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Decimal128, type Document, Long, MongoClient, UUID } from 'mongodb'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startDatabase } from '../../../../../local/database/main.ts'
import { rawCommand } from './raw.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'local-database-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const journal = () => path.join(folder, 'journal.bson')

async function session<Result>(
  work: (client: MongoClient, port: number) => Promise<Result>,
  now?: () => Date,
): Promise<Result> {
  const database = await startDatabase({ path: folder, ...(now && { now }) })
  const client = new MongoClient(database.uri)
  try {
    return await work(client, database.port)
  } finally {
    await client.close()
    await database.close()
  }
}

const documents = (client: MongoClient) => client.db('kept').collection<Document>('docs')
const ids = (client: MongoClient) => documents(client).distinct('_id')

describe('a data folder', () => {
  it('keeps documents with their types, indexes, options and what was dropped', async () => {
    const document = {
      _id: 1,
      long: Long.fromString('9007199254740993'),
      decimal: Decimal128.fromString('1.10'),
    } as Document
    await session(async (client) => {
      const db = client.db('kept')
      await db.createCollection('docs', { validator: { n: { $ne: 'bad' } } })
      await documents(client).createIndex({ n: 1 }, { unique: true, sparse: true })
      await documents(client).insertMany([document, { _id: 2, n: 1 }, { _id: 3, n: 2 }] as Document[])
      await documents(client).updateOne({ _id: 2 } as Document, { $set: { n: 7 } })
      await documents(client).deleteOne({ _id: 3 } as Document)
      await db.collection('gone').insertOne({})
      await db.collection('gone').drop()
      await db.collection('old').insertOne({ x: 1 })
      await db.collection('old').rename('new')
      const transaction = client.startSession()
      await transaction.withTransaction(async () => {
        await documents(client).insertOne({ _id: 4 } as Document, { session: transaction })
        await db.collection('new').updateOne({ x: 1 }, { $set: { x: 2 } }, { session: transaction })
      })
      await transaction.endSession()
    })
    await session(async (client) => {
      const db = client.db('kept')
      const names = await db.listCollections({}, { nameOnly: true }).toArray()
      expect(names.map(({ name }) => name).sort()).toEqual(['docs', 'new'])
      expect(await documents(client).find({}, { promoteValues: false }).toArray()).toHaveLength(3)
      expect(await documents(client).findOne({ _id: 1 } as Document, { promoteLongs: false })).toEqual(document)
      expect(await db.collection('new').findOne({}, { projection: { _id: 0 } })).toEqual({ x: 2 })
      await expect(documents(client).insertOne({ n: 7 })).rejects.toMatchObject({ code: 11000 })
      await expect(documents(client).insertOne({ n: 'bad' })).rejects.toMatchObject({ code: 121 })
    })
  })

  it('lets a change stream and a retried write go on after a restart', async () => {
    const retried = {
      insert: 'docs',
      $db: 'kept',
      documents: [{ _id: 9 }],
      lsid: { id: new UUID() },
      txnNumber: Long.fromNumber(1),
    }
    const token = await session(async (client, port) => {
      const stream = documents(client).watch()
      await stream.tryNext()
      await documents(client).insertMany([{ _id: 1 }, { _id: 2 }] as Document[])
      expect(await rawCommand(port, retried)).toMatchObject({ n: 1 })
      const { _id } = await stream.next()
      await stream.close()
      return _id
    })
    await session(async (client, port) => {
      expect(await rawCommand(port, retried)).toMatchObject({ n: 1, retriedStmtIds: [0] })
      const stream = documents(client).watch([], { resumeAfter: token })
      const next = [await stream.next(), await stream.next()] as Document[]
      expect(next.map(({ documentKey }) => documentKey._id)).toEqual([2, 9])
      await stream.close()
    })
  })

  it('is followed by a stream that was told of a time which no write has kept, although it restarts within the second', async () => {
    const instant = new Date()
    const now = () => instant
    const token = await session(async (client, port) => {
      await documents(client).insertOne({ _id: 1 } as Document)
      const transaction = { lsid: { id: new UUID() }, txnNumber: Long.fromNumber(1), autocommit: false }
      await rawCommand(port, { find: 'docs', $db: 'kept', ...transaction, startTransaction: true })
      await rawCommand(port, { commitTransaction: 1, $db: 'admin', ...transaction })
      const stream = documents(client).watch()
      await stream.tryNext()
      await stream.close()
      return stream.resumeToken
    }, now)
    await session(async (client) => {
      await documents(client).insertOne({ _id: 2 } as Document)
      const stream = documents(client).watch([], { resumeAfter: token })
      expect(await stream.tryNext()).toMatchObject({ documentKey: { _id: 2 } })
      await stream.close()
    }, now)
  })

  it('remembers what was committed, so that a commit may be sent again after a restart', async () => {
    const lsid = { id: new UUID() }
    const inTransaction = { lsid, txnNumber: Long.fromNumber(4), autocommit: false }
    const write = { insert: 'docs', $db: 'kept', documents: [{ _id: 1 }], ...inTransaction, startTransaction: true }
    const commit = { commitTransaction: 1, $db: 'admin', ...inTransaction }
    await session(async (_client, port) => {
      expect(await rawCommand(port, write)).toMatchObject({ n: 1 })
      expect(await rawCommand(port, commit)).toMatchObject({ ok: 1 })
    })
    await session(async (client, port) => {
      expect(await rawCommand(port, commit)).toMatchObject({ ok: 1 })
      expect(await rawCommand(port, write)).toMatchObject({ ok: 0, code: 50911 })
      expect(await rawCommand(port, { ...commit, txnNumber: Long.fromNumber(5) })).toMatchObject({ ok: 0, code: 251 })
      expect(await ids(client)).toEqual([1])
    })
  })

  it.each([1, 5, 13, 40])('loses only what was not whole when its last %i bytes are missing', async (bytes) => {
    await session((client) => documents(client).insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3 }] as Document[]))
    await truncate(journal(), (await stat(journal())).size - bytes)
    await session(async (client) => {
      expect(await ids(client)).toEqual([1, 2])
      await documents(client).insertOne({ _id: 4 } as Document)
    })
    expect(await session(ids)).toEqual([1, 2, 4])
  })

  it('is refused when damaged in the middle, with the place', async () => {
    let before = 0
    await session(async (client) => {
      await documents(client).insertOne({ _id: 1 } as Document)
      before = (await stat(journal())).size
      await documents(client).insertMany([{ _id: 2 }, { _id: 3 }] as Document[])
    })
    const bytes = await readFile(journal())
    bytes[before + 30]! ^= 0xff
    await writeFile(journal(), bytes)
    await expect(startDatabase({ path: folder })).rejects.toThrow(`is damaged at byte ${before}`)
    expect((await stat(journal())).size).toBe(bytes.length)
  })

  it('is not opened twice', async () => {
    await session(async () => {
      await expect(startDatabase({ path: folder })).rejects.toThrow('is in use by')
    })
    await writeFile(path.join(folder, 'lock'), '999999999')
    expect(await session(ids)).toEqual([])
  })

  it('is rewritten at the start when it is mostly past', async () => {
    const text = 'x'.repeat(200_000)
    const token = await session(async (client) => {
      await documents(client).insertMany([
        { _id: 1, n: 0 },
        { _id: 2, text },
      ] as Document[])
      for (let n = 0; n < 100; n++)
        await documents(client).updateOne({ _id: 2 } as Document, { $set: { text: `${text}${n}` } })
      const stream = documents(client).watch()
      await stream.tryNext()
      await documents(client).updateOne({ _id: 1 } as Document, { $set: { n: 1 } })
      await documents(client).updateOne({ _id: 1 } as Document, { $set: { n: 2 } })
      const { _id } = await stream.next()
      await stream.close()
      return _id
    })
    const before = (await stat(journal())).size
    await session(async (client) => {
      expect((await stat(journal())).size).toBeLessThan(before)
      expect(await ids(client)).toEqual([1, 2])
    })
    await session(async (client) => {
      expect(await ids(client)).toEqual([1, 2])
      const stream = documents(client).watch([], { resumeAfter: token })
      const event = (await stream.next()) as Document
      expect(event.updateDescription.updatedFields).toEqual({ n: 2 })
      await stream.close()
    })
  })
})
