import type { ChangeStreamDocument, Document } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { failure, localDatabase } from './connect.ts'

const database = localDatabase()

async function take(stream: { next(): Promise<ChangeStreamDocument> }, count: number): Promise<Document[]> {
  const events: Document[] = []
  for (let at = 0; at < count; at++) {
    const { _id, clusterTime, wallTime, collectionUUID, ...event } = (await stream.next()) as Document
    expect(clusterTime ?? _id).toBeDefined()
    events.push(event)
  }
  return events
}

describe('change streams', () => {
  it('tell every kind of change of a collection, and end with it', async () => {
    const docs = database.client.db('streams').collection<Document>('all')
    await docs.insertOne({ _id: 0 } as Document)
    const stream = docs.watch([], { fullDocument: 'updateLookup' })
    await stream.tryNext()
    await docs.insertOne({ _id: 1, a: [1, 2, 3], b: { c: 1, d: 2 } } as Document)
    await docs.updateOne({ _id: 1 } as Document, { $set: { 'a.1': 9, e: 1 }, $unset: { 'b.c': '' } })
    await docs.updateOne({ _id: 1 } as Document, [{ $set: { a: { $slice: ['$a', 1] } } }])
    await docs.replaceOne({ _id: 1 } as Document, { z: 1 })
    await docs.deleteOne({ _id: 1 } as Document)
    await docs.drop()
    const ns = { db: 'streams', coll: 'all' }
    const documentKey = { _id: 1 }
    expect(await take(stream, 7)).toEqual([
      { operationType: 'insert', fullDocument: { _id: 1, a: [1, 2, 3], b: { c: 1, d: 2 } }, ns, documentKey },
      {
        operationType: 'update',
        ns,
        documentKey,
        updateDescription: { updatedFields: { 'a.1': 9, e: 1 }, removedFields: ['b.c'], truncatedArrays: [] },
        // The document is looked up when the event is read: it is gone by then.
        fullDocument: null,
      },
      {
        operationType: 'update',
        ns,
        documentKey,
        updateDescription: { updatedFields: {}, removedFields: [], truncatedArrays: [{ field: 'a', newSize: 1 }] },
        fullDocument: null,
      },
      { operationType: 'replace', fullDocument: { _id: 1, z: 1 }, ns, documentKey },
      { operationType: 'delete', ns, documentKey },
      { operationType: 'drop', ns },
      { operationType: 'invalidate' },
    ])
    expect(stream.closed || (await stream.tryNext()) === null).toBe(true)
    await stream.close()
  })

  it('watch a database and a deployment, and filter by a pipeline', async () => {
    const db = database.client.db('streams_db')
    const other = database.client.db('streams_other')
    const inDatabase = db.watch([
      { $match: { operationType: 'insert' } },
      { $project: { ns: 1, n: '$fullDocument.n' } },
    ])
    const everywhere = database.client.watch([{ $match: { operationType: 'insert', 'ns.db': /^streams_/ } }])
    await inDatabase.tryNext()
    await everywhere.tryNext()
    await db.collection('a').insertOne({ n: 1 })
    await other.collection('b').insertOne({ n: 2 })
    await db.collection('c').insertOne({ n: 3 })
    expect(await take(inDatabase, 2)).toEqual([
      { ns: { db: 'streams_db', coll: 'a' }, n: 1 },
      { ns: { db: 'streams_db', coll: 'c' }, n: 3 },
    ])
    expect((await take(everywhere, 3)).map(({ ns }) => ns.coll)).toEqual(['a', 'b', 'c'])
    await inDatabase.close()
    await everywhere.close()
  })

  it('go on behind a token or from a time', async () => {
    const docs = database.client.db('streams').collection<Document>('resumed')
    const stream = docs.watch()
    await stream.tryNext()
    const session = database.client.startSession()
    await docs.insertOne({ n: 1 }, { session })
    const { operationTime } = session
    await docs.insertMany([{ n: 2 }, { n: 3 }])
    await session.endSession()
    const [first, second] = [await stream.next(), await stream.next()]
    await stream.close()
    const numbers = async (options: Document, count: number) => {
      const resumed = docs.watch([], options)
      const events = await take(resumed, count)
      await resumed.close()
      return events.map(({ fullDocument }) => fullDocument.n)
    }
    expect(await numbers({ resumeAfter: first._id }, 2)).toEqual([2, 3])
    expect(await numbers({ startAfter: second._id }, 1)).toEqual([3])
    expect(await numbers({ startAtOperationTime: operationTime }, 3)).toEqual([1, 2, 3])
  })

  it('give images before and after where the collection keeps them', async () => {
    const db = database.client.db('streams')
    const docs = await db.createCollection<Document>('images', { changeStreamPreAndPostImages: { enabled: true } })
    const stream = docs.watch([], { fullDocument: 'required', fullDocumentBeforeChange: 'required' })
    await stream.tryNext()
    await docs.insertOne({ _id: 1, n: 1 } as Document)
    await docs.updateOne({ _id: 1 } as Document, { $set: { n: 2 } })
    await docs.deleteOne({ _id: 1 } as Document)
    expect(
      (await take(stream, 3)).map(({ fullDocument, fullDocumentBeforeChange }) => [
        fullDocumentBeforeChange,
        fullDocument,
      ]),
    ).toEqual([
      [undefined, { _id: 1, n: 1 }],
      [
        { _id: 1, n: 1 },
        { _id: 1, n: 2 },
      ],
      [{ _id: 1, n: 2 }, undefined],
    ])
    await stream.close()
    const without = db.collection('noimages')
    await without.insertOne({ n: 1 })
    const strict = without.watch([], { fullDocumentBeforeChange: 'required' })
    await strict.tryNext()
    await without.updateOne({}, { $set: { n: 2 } })
    expect((await failure(strict.next())).code).toBe(47)
    await strict.close()
  })

  it('tell of definitions when asked', async () => {
    const db = database.client.db('streams_expanded')
    const stream = db.watch([], { showExpandedEvents: true })
    await stream.tryNext()
    const docs = await db.createCollection('docs')
    await docs.createIndex({ a: 1 })
    await docs.dropIndex('a_1')
    await db.command({ collMod: 'docs', validationLevel: 'off' })
    await docs.rename('renamed')
    await db.dropDatabase()
    const events = await take(stream, 8)
    expect(events.map(({ operationType }) => operationType)).toEqual([
      'create',
      'createIndexes',
      'dropIndexes',
      'modify',
      'rename',
      'drop',
      'dropDatabase',
      'invalidate',
    ])
    expect(events[4]).toMatchObject({ to: { db: 'streams_expanded', coll: 'renamed' } })
    await stream.close()
  })

  it('wait for a change instead of answering at once', async () => {
    const docs = database.client.db('streams').collection<Document>('waiting')
    await docs.insertOne({})
    const opened = await docs.db.command({
      aggregate: 'waiting',
      pipeline: [{ $changeStream: {} }],
      cursor: { batchSize: 0 },
    })
    const getMore = { getMore: opened.cursor.id, collection: 'waiting', maxTimeMS: 150 }
    const started = performance.now()
    const empty = await docs.db.command(getMore)
    expect(empty.cursor.nextBatch).toEqual([])
    expect(empty.cursor.postBatchResumeToken._data).toEqual(expect.any(String))
    expect(performance.now() - started).toBeGreaterThan(120)
    const waiting = docs.db.command({ ...getMore, maxTimeMS: 20_000 })
    await docs.insertOne({ n: 1 })
    expect((await waiting).cursor.nextBatch).toHaveLength(1)
  })

  it('split an event above 16 MB, the smallest fields first, and resume between its fragments', async () => {
    const name = 'split'
    const db = database.client.db('streams')
    await db.createCollection(name, { changeStreamPreAndPostImages: { enabled: true } })
    const docs = db.collection<Document>(name)
    const large = 'x'.repeat(9 * 1024 * 1024)
    const images = { fullDocument: 'required', fullDocumentBeforeChange: 'required' } as const
    await docs.insertOne({ n: 1, large })
    const pipeline = [{ $changeStreamSplitLargeEvent: {} }]
    const stream = docs.watch(pipeline, images)
    const whole = docs.watch([], images)
    await Promise.all([stream.tryNext(), whole.tryNext()])
    await docs.updateOne({ n: 1 }, { $set: { n: 2 } })
    await docs.insertOne({ n: 3 })
    const fragments: Document[] = [await stream.next(), await stream.next()]
    expect(fragments.map(({ _id, splitEvent, ...rest }) => [splitEvent, Object.keys(rest).toSorted()])).toEqual([
      [
        { fragment: 1, of: 2 },
        ['clusterTime', 'documentKey', 'fullDocument', 'ns', 'operationType', 'updateDescription', 'wallTime'],
      ],
      [{ fragment: 2, of: 2 }, ['fullDocumentBeforeChange']],
    ])
    expect([fragments[0]?.fullDocument.n, fragments[1]?.fullDocumentBeforeChange.n]).toEqual([2, 1])
    expect(await stream.next()).toMatchObject({ operationType: 'insert', fullDocument: { n: 3 } })
    const resumed = docs.watch(pipeline, { ...images, resumeAfter: fragments[0]?._id })
    expect(await resumed.next()).toEqual(fragments[1])
    expect(await resumed.next()).toMatchObject({ operationType: 'insert' })
    const after = docs.watch(pipeline, { ...images, resumeAfter: fragments[1]?._id })
    expect(await after.next()).toMatchObject({ operationType: 'insert' })
    expect(await failure(docs.watch([], { resumeAfter: fragments[0]?._id }).next())).toMatchObject({ code: 280 })
    expect(await failure(whole.next())).toMatchObject({ code: 10334, codeName: 'BSONObjectTooLarge' })
    await Promise.all([stream, whole, resumed, after].map((open) => open.close()))
  })

  it.each<[string, Document[], number]>([
    [
      'a split that is not last',
      [{ $changeStream: {} }, { $changeStreamSplitLargeEvent: {} }, { $match: {} }],
      7182802,
    ],
    ['a split with options', [{ $changeStream: {} }, { $changeStreamSplitLargeEvent: { n: 1 } }], 7182800],
    ['a split of what is no stream', [{ $changeStreamSplitLargeEvent: {} }], 20],
    ['a stage that is not allowed', [{ $changeStream: {} }, { $group: { _id: 1 } }], 20],
    ['a stage that nobody knows', [{ $changeStream: {} }, { $nonsense: 1 }], 40324],
    ['an unknown option', [{ $changeStream: { nonsense: 1 } }], 40415],
    ['a token that is none', [{ $changeStream: { resumeAfter: { _data: 'zz' } } }], 260],
    ['two ways to start', [{ $changeStream: { resumeAfter: { _data: '82' }, startAfter: { _data: '82' } } }], 40674],
    ['a time that is forgotten', [{ $changeStream: { resumeAfter: { _data: `82${'0'.repeat(26)}` } } }], 286],
  ])('refuse %s', async (_, pipeline, code) => {
    const command = { aggregate: 'all', pipeline, cursor: {} }
    expect((await failure(database.client.db('streams').command(command))).code).toBe(code)
  })
})
