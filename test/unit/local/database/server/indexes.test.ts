import fc from 'fast-check'
import type { Document, IndexSpecification } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { failure, localDatabase } from './connect.ts'

const database = localDatabase()
const collection = (name: string) => database.client.db('indexes').collection<Document>(name)

function stageNames(plan: Document): string[] {
  const input = plan.inputStage ?? plan.inputStages?.[0]
  return [plan.stage, ...(input ? stageNames(input) : [])]
}

describe('indexes', () => {
  it.each<[string, Document, Document | undefined, string[], number, number]>([
    ['equality', { a: 5 }, undefined, ['FETCH', 'IXSCAN'], 10, 10],
    ['a range', { a: { $gte: 5, $lt: 7 } }, undefined, ['FETCH', 'IXSCAN'], 20, 20],
    ['$in', { a: { $in: [1, 3] } }, undefined, ['FETCH', 'IXSCAN'], 20, 20],
    ['what a range leaves out', { a: { $not: { $gte: 2 } } }, undefined, ['FETCH', 'IXSCAN'], 20, 20],
    ['a compound prefix and range', { a: 5, b: { $gt: 95 } }, undefined, ['FETCH', 'IXSCAN'], 0, 0],
    ['a sort', {}, { a: 1 }, ['FETCH', 'IXSCAN'], 100, 100],
    ['an equality with the sort behind it', { a: 5 }, { b: -1 }, ['FETCH', 'IXSCAN'], 10, 10],
    ['_id', { _id: 7 }, undefined, ['EXPRESS_IXSCAN'], 1, 1],
    ['$or of indexed fields', { $or: [{ a: 1 }, { a: 2 }] }, undefined, ['FETCH', 'OR', 'IXSCAN'], 20, 20],
    ['nothing indexed', { c: 1 }, undefined, ['COLLSCAN'], 0, 100],
    ['a sort without index', {}, { c: 1 }, ['SORT', 'COLLSCAN'], 0, 100],
  ])('explains %s', async (_, filter, sort, stages, keys, documents) => {
    const docs = collection('explain')
    if ((await docs.estimatedDocumentCount()) === 0) {
      await docs.createIndex({ a: 1, b: 1 })
      await docs.insertMany(
        Array.from({ length: 100 }, (_unused, _id) => ({ _id, a: _id % 10, b: _id, c: -_id }) as Document),
      )
    }
    const cursor = docs.find(filter)
    const explained = await (sort ? cursor.sort(sort) : cursor).explain('executionStats')
    expect(stageNames(explained.queryPlanner.winningPlan)).toEqual(stages)
    expect(explained.executionStats).toMatchObject({ totalKeysExamined: keys, totalDocsExamined: documents })
  })

  it('shows bounds as MongoDB does', async () => {
    const docs = collection('bounds')
    await docs.createIndex({ a: 1, b: -1 })
    const explained = await docs.find({ a: 'x', b: { $gt: 5 } }).explain('queryPlanner')
    expect(explained.queryPlanner.winningPlan.inputStage).toMatchObject({
      stage: 'IXSCAN',
      indexName: 'a_1_b_-1',
      direction: 'forward',
      isMultiKey: false,
      indexBounds: { a: ['["x", "x"]'], b: ['[inf.0, 5)'] },
    })
    const negated = await docs.find({ a: { $not: { $gte: 5 } } }).explain('queryPlanner')
    expect(negated.queryPlanner.winningPlan.inputStage.indexBounds.a).toEqual(['[MinKey, 5)', '(inf.0, MaxKey]'])
  })

  it('counts dates from the index alone, as MongoDB does', async () => {
    const docs = collection('counted')
    await docs.createIndex({ at: 1 })
    const at = (day: number) => new Date(Date.UTC(2024, 0, day))
    await docs.insertMany([...Array(9).keys()].map((_id) => ({ _id, at: at(_id + 1) }) as Document))
    await docs.insertMany([{ at: null }, { at: 'soon' }, { at: 5 }, {}])
    const filter = { at: { $gte: at(3), $lt: at(8) } }
    const pipeline = [{ $match: filter }, { $group: { _id: 1, n: { $sum: 1 } } }]
    expect(await docs.aggregate(pipeline).toArray()).toEqual([{ _id: 1, n: 5 }])
    expect(await docs.aggregate([{ $match: filter }, { $count: 'n' }]).toArray()).toEqual([{ n: 5 }])
    const explained = await docs.aggregate(pipeline).explain('executionStats')
    expect(explained.stages[0].$cursor).toMatchObject({
      queryPlanner: { winningPlan: { stage: 'COUNT_SCAN', indexName: 'at_1' } },
      executionStats: { totalKeysExamined: 5, totalDocsExamined: 0 },
    })
    // What looks into the documents gets them.
    const sums = [{ $match: filter }, { $group: { _id: null, sum: { $sum: '$_id' } } }]
    expect(await docs.aggregate(sums).toArray()).toEqual([{ _id: null, sum: 20 }])
    await docs.insertOne({ at: [at(4), at(5)] })
    expect(await docs.countDocuments(filter)).toBe(6)
  })

  const values = fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.constantFrom<unknown>(
      null,
      'a',
      'b',
      'ab',
      true,
      1.5,
      [],
      [1, 'a'],
      [[1], 2],
      { x: 1 },
      [{ x: 1 }, { x: 2 }],
      undefined,
    ),
  )
  const documents = fc.array(fc.record({ a: values, b: values }), { minLength: 1, maxLength: 12 })
  const conditions = fc.oneof(
    values.filter((value) => value !== undefined),
    fc.record({ $gt: fc.integer({ min: -3, max: 3 }) }),
    fc.record({ $not: fc.record({ $gte: fc.constantFrom<unknown>(-1, 2, 'a', null) }) }),
    fc.record({ $not: fc.record({ $lt: fc.constantFrom<unknown>(-1, 2, 'a') }) }),
    fc.record({ $gte: fc.constantFrom<unknown>(-1, 'a', null), $lt: fc.constantFrom<unknown>(3, 'b') }),
    fc.record({ $in: fc.array(fc.constantFrom<unknown>(1, 'a', null, [1, 'a'], 2), { maxLength: 3 }) }),
    fc.constantFrom<unknown>(
      { $exists: false },
      { $ne: 1 },
      /^a/,
      { $elemMatch: { $gt: 0, $lt: 3 } },
      { $elemMatch: { x: 1 } },
      { $type: 'string' },
    ),
  )
  const filters = fc.oneof(
    fc.record({ a: conditions }),
    fc.record({ a: conditions, b: conditions }),
    fc.record({ 'a.x': conditions }),
    fc.record({ $or: fc.tuple(fc.record({ a: conditions }), fc.record({ b: conditions })) }),
    fc.record({ $and: fc.tuple(fc.record({ a: conditions }), fc.record({ a: conditions })) }),
  )
  const specs: [IndexSpecification, object][] = [
    [{ a: 1 }, {}],
    [{ a: -1 }, {}],
    [{ a: 1, b: -1 }, {}],
    [{ b: 1 }, { sparse: true }],
    [{ a: 1 }, { partialFilterExpression: { a: { $gt: 0 } } }],
    [{ 'a.x': 1 }, {}],
    [{ a: 1 }, { sparse: true }],
  ]

  it('never change what a query finds', async () => {
    let run = 0
    await fc.assert(
      fc.asyncProperty(documents, filters, fc.constantFrom(...specs), async (docs, filter, [spec, options]) => {
        const plain = collection(`plain${run}`)
        const indexed = collection(`indexed${run++}`)
        const stored = docs.map((document, _id) => ({ _id, ...document }) as Document)
        await indexed.createIndex(spec, options)
        try {
          await indexed.insertMany(stored)
        } catch (error) {
          // Two arrays cannot be indexed together; MongoDB refuses such documents as well.
          expect(error).toMatchObject({ code: 171 })
          return
        }
        await plain.insertMany(stored)
        const ids = async (source: typeof plain) =>
          (
            await source
              .find(filter as Document)
              .project({ _id: 1 })
              .toArray()
          )
            .map(({ _id }) => _id)
            .sort()
        expect(await ids(indexed)).toEqual(await ids(plain))
        await indexed.updateMany({}, { $set: { b: 'changed' } })
        await indexed.deleteMany(filter as Document)
        expect(await database.client.db('indexes').command({ validate: indexed.collectionName })).toMatchObject({
          valid: true,
          errors: [],
        })
      }),
      { numRuns: 60, examples: [[[{ a: 0, b: null }], { 'a.x': { $exists: false } }, [{ 'a.x': 1 }, {}]]] },
    )
  })

  it('sort as a sort in memory does', async () => {
    const docs = collection('sorted')
    await docs.createIndex({ a: 1, b: -1 })
    await docs.insertMany(
      [3, 'x', null, 1.5, true, 3].map((a, at) => ({ a, b: at }) as Document).concat([{ b: 9 }, { a: { z: 1 }, b: 0 }]),
    )
    const shown = (cursor: { toArray(): Promise<Document[]> }) =>
      cursor.toArray().then((found) => found.map(({ a, b }) => [a ?? null, b]))
    const byIndex = await shown(docs.find().sort({ a: 1, b: -1 }))
    expect(byIndex).toEqual(await shown(docs.find().sort({ a: 1, b: -1 }).hint({ $natural: 1 })))
    expect(await shown(docs.find().sort({ a: -1, b: 1 }))).toEqual(byIndex.reverse())
  })

  it.each<[string, () => Promise<unknown>, number]>([
    ['another name for the same index', () => collection('clash').createIndex({ a: 1 }, { name: 'other' }), 85],
    ['the same name for another index', () => collection('clash').createIndex({ b: 1 }, { name: 'a_1' }), 86],
    ['the same name with another uniqueness', () => collection('clash').createIndex({ a: 1 }, { unique: true }), 86],
    [
      'the same name with another expiry',
      () => collection('clash').createIndex({ a: 1 }, { expireAfterSeconds: 9 }),
      85,
    ],
    ['a text index', () => collection('clash').createIndex({ a: 'text' }), 67],
    ['a direction of 0', () => collection('clash').createIndex({ a: 0 as 1 }), 67],
    [
      'an unknown option',
      () =>
        database.client
          .db('indexes')
          .command({ createIndexes: 'clash', indexes: [{ key: { z: 1 }, name: 'z', nonsense: 1 }] }),
      197,
    ],
    ['an unknown hint', () => collection('clash').find({}).hint('nowhere').toArray(), 2],
    ['dropping the index of _id', () => collection('clash').dropIndex('_id_'), 72],
    ['dropping an index that is not there', () => collection('clash').dropIndex('nowhere'), 27],
  ])('refuse %s', async (_, work, code) => {
    await collection('clash').createIndex({ a: 1 })
    expect((await failure(work())).code).toBe(code)
  })

  it('leave out of a sparse index what lacks its field, also within arrays', async () => {
    const docs = collection('sparse')
    await docs.createIndex({ 'a.x': 1 }, { sparse: true, unique: true })
    await docs.insertMany(
      [
        { a: [{ y: 1 }] },
        { a: [{ y: 1 }] },
        { a: [] },
        { a: [] },
        { a: [1] },
        { a: [{ x: 1 }, { y: 2 }] },
        { b: 1 },
      ].map((document, _id) => ({ ...document, _id }) as Document),
    )
    expect(await failure(docs.insertOne({ a: [{ y: 3 }, { x: 1 }] }))).toMatchObject({ code: 11000 })
    const hinted = await docs.find({}, { hint: 'a.x_1' }).toArray()
    expect(hinted.map(({ _id }) => _id)).toEqual([5])
  })

  it('give each document once between min and max, and refuse bounds that do not fit', async () => {
    const docs = collection('bounded')
    await docs.insertMany(
      [{ a: [1, 2, 3] }, { a: 2 }, { a: 5 }].map((document, _id) => ({ ...document, _id }) as Document),
    )
    await docs.createIndex({ a: 1 })
    const bounded = (min: Document, max: Document) => docs.find({}, { hint: { a: 1 }, min, max }).toArray()
    expect((await bounded({ a: 1 }, { a: 5 })).map(({ _id }) => _id)).toEqual([0, 1])
    expect((await failure(bounded({ b: 1 }, { b: 5 }))).code).toBe(51174)
    expect((await failure(bounded({ a: 5 }, { a: 5 }))).code).toBe(51175)
  })

  it('do not take a partial index for whole under its collation', async () => {
    const docs = collection('partial_collation')
    const collation = { locale: 'en', strength: 2 }
    await docs.createIndex({ a: 1 }, { collation, partialFilterExpression: { a: { $gt: 'B' } } })
    await docs.insertMany([{ a: 'b' }, { a: 'B' }, { a: 'c' }])
    expect(await docs.find({ a: 'b' }, { collation }).toArray()).toHaveLength(2)
    expect(await docs.find({ a: { $in: ['b', 'C'] } }, { collation }).toArray()).toHaveLength(3)
  })

  it('refuse a duplicate, with the key', async () => {
    const docs = collection('unique')
    await docs.createIndex({ a: 1, b: 1 }, { unique: true })
    await docs.insertOne({ a: 1, b: 'x' })
    const error = await docs.insertOne({ a: 1.0, b: 'x' }).catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 11000, keyPattern: { a: 1, b: 1 }, keyValue: { a: 1, b: 'x' } })
    expect(error.message).toBe(
      'E11000 duplicate key error collection: indexes.unique index: a_1_b_1 dup key: { a: 1, b: "x" }',
    )
    await docs.insertOne({ a: 2 })
    expect((await failure(docs.updateOne({ a: 2 }, { $set: { a: 1, b: 'x' } }))).code).toBe(11000)
  })

  it.each<[name: string, key: Record<string, 1 | -1>, options: object, left: number[]]>([
    ['ascending', { 'x.at': 1 }, {}, [2, 3, 6]],
    ['descending', { 'x.at': -1 }, {}, [2, 3, 6]],
    ['partial', { 'x.at': 1 }, { partialFilterExpression: { n: { $gt: 1 } } }, [1, 2, 3, 6]],
    ['partial and descending', { 'x.at': -1 }, { partialFilterExpression: { n: { $gt: 1 } } }, [1, 2, 3, 6]],
  ])('expire documents when their time has come: %s', async (_, key, options, left) => {
    const { startDatabase } = await import('../../../../../local/database/main.ts')
    const { MongoClient } = await import('mongodb')
    let now = Date.now()
    const own = await startDatabase({ now: () => new Date(now), ttlIntervalMs: 20 })
    const client = new MongoClient(own.uri)
    const docs = client.db('ttl').collection<Document>('docs')
    await docs.createIndex(key, { ...options, expireAfterSeconds: 60 })
    await docs.insertMany([
      { n: 1, x: { at: new Date(now) } },
      { n: 2, x: { at: 'never' } },
      { n: 3 },
      { n: 4, x: { at: [new Date(now + 1e9), new Date(now)] } },
      { n: 5, x: [{ at: new Date(now - 1e9) }] },
      { n: 6, x: { at: new Date(now + 1e9) } },
    ])
    now += 61_000
    await expect.poll(async () => (await docs.find().sort({ n: 1 }).toArray()).map(({ n }) => n)).toEqual(left)
    await client.close()
    await own.close()
  })
})
