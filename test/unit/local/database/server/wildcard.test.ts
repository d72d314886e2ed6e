import type { Document, IndexSpecification } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { failure, localDatabase } from './connect.ts'

const database = localDatabase()
const collection = (name: string) => database.client.db('wildcard').collection<Document>(name)

const stored: Document[] = [
  { _id: 1, a: 5, b: { c: 'x', d: 1 } },
  { _id: 2, a: [5, { e: 7 }], b: { c: 'y' } },
  { _id: 3, a: { e: 7 }, b: [[1, 2]] },
  { _id: 4, a: null },
  { _id: 5, a: {}, f: [] },
  { _id: 6, b: { c: 'x', d: { deep: true } } },
]

let made = 0
async function indexed(key: IndexSpecification, options: Document = {}): Promise<ReturnType<typeof collection>> {
  const source = collection(`c${made++}`)
  await source.createIndex(key, options)
  await source.insertMany(stored.map((document) => ({ ...document })))
  return source
}

function indexName(plan: Document): string | undefined {
  return plan.indexName ?? (plan.inputStage ? indexName(plan.inputStage) : undefined)
}

describe('a wildcard index', () => {
  it.each<[string, IndexSpecification, Document, Document, number[], boolean]>([
    ['an equality', { '$**': 1 }, {}, { a: 5 }, [1, 2], true],
    ['a field within documents and arrays', { '$**': 1 }, {}, { 'a.e': 7 }, [2, 3], true],
    ['a range', { '$**': -1 }, {}, { 'b.c': { $gt: 'x' } }, [2], true],
    ['$in', { '$**': 1 }, {}, { 'b.c': { $in: ['x', 'z'] } }, [1, 6], true],
    ['a prefix', { '$**': 1 }, {}, { 'b.c': /^x/ }, [1, 6], true],
    ['the narrower of two fields', { '$**': 1 }, {}, { a: 5, 'b.d': 1 }, [1], true],
    ['both branches of $or', { '$**': 1 }, {}, { $or: [{ 'b.d': 1 }, { 'b.d.deep': true }] }, [1, 6], true],
    ['a field below its root', { 'b.$**': 1 }, {}, { 'b.d.deep': true }, [6], true],
    [
      'a field that its projection names',
      { '$**': 1 },
      { wildcardProjection: { b: { c: 1 } } },
      { 'b.c': 'x' },
      [1, 6],
      true,
    ],
    [
      '_id, when its projection names it',
      { '$**': 1 },
      { wildcardProjection: { _id: 1, a: 0 } },
      { _id: { $gt: 5 } },
      [6],
      true,
    ],
    ['a field outside its root', { 'b.$**': 1 }, {}, { a: 5 }, [1, 2], false],
    [
      'a field that its projection leaves out',
      { '$**': 1 },
      { wildcardProjection: { b: 0 } },
      { 'b.c': 'x' },
      [1, 6],
      false,
    ],
    ['what is missing or null', { '$**': 1 }, {}, { a: null }, [4, 6], false],
    ['a whole document', { '$**': 1 }, {}, { a: { e: 7 } }, [2, 3], false],
    ['a whole array', { '$**': 1 }, {}, { a: { $eq: [5, { e: 7 }] } }, [2], false],
    ['a negation', { '$**': 1 }, {}, { a: { $ne: 5 } }, [3, 4, 5, 6], false],
    ['an existence', { '$**': 1 }, {}, { f: { $exists: true } }, [5], false],
    ['a position in an array', { '$**': 1 }, {}, { 'a.0': 5 }, [2], false],
    ['a compound wildcard index', { f: 1, 'b.$**': 1 }, {}, { 'b.c': 'x' }, [1, 6], false],
  ])('finds %s', async (_, key, options, filter, expected, used) => {
    const source = await indexed(key, options)
    const found = await source.find(filter).sort({ _id: 1 }).toArray()
    expect(found.map(({ _id }) => _id)).toEqual(expected)
    const explained = await source.find(filter).explain('executionStats')
    const name =
      explained.queryPlanner.winningPlan.inputStage?.stage === 'OR'
        ? 'or'
        : indexName(explained.queryPlanner.winningPlan)
    expect(name?.includes('$**') || name === 'or').toBe(used)
    if (used) expect(explained.executionStats.totalDocsExamined).toBeLessThan(stored.length)
  })

  it('shows its bounds as MongoDB does', async () => {
    const source = await indexed({ '$**': 1 })
    const { queryPlanner } = await source.find({ 'b.c': 'x' }).explain('queryPlanner')
    expect(queryPlanner.winningPlan.inputStage).toMatchObject({
      stage: 'IXSCAN',
      keyPattern: { $_path: 1, 'b.c': 1 },
      indexName: '$**_1',
      indexBounds: { $_path: ['["b.c", "b.c"]'], 'b.c': ['["x", "x"]'] },
    })
    expect(await source.find({ 'b.c': 'x' }, { returnKey: true }).toArray()).toEqual([
      { $_path: 'b.c', 'b.c': 'x' },
      { $_path: 'b.c', 'b.c': 'x' },
    ])
  })

  it('follows updates and deletes, and is read back from before it was made', async () => {
    const source = collection('kept')
    await source.insertMany(stored.map((document) => ({ ...document })))
    await source.createIndex({ '$**': 1 })
    const ids = async (filter: Document) =>
      (await source.find(filter, { hint: '$**_1' }).toArray()).map(({ _id }) => _id)
    expect(await ids({ a: 5 })).toEqual([1, 2])
    await source.updateOne({ a: 5, 'b.d': 1 }, { $set: { a: 6, list: [{ n: 1 }] } })
    await source.deleteOne({ 'b.c': 'y' })
    expect([await ids({ a: 5 }), await ids({ a: 6 }), await ids({ 'list.n': 1 })]).toEqual([[], [1], [1]])
  })

  it('is refused as a hint where it cannot answer, and a compound one never loses a document', async () => {
    const source = await indexed({ '$**': 1 })
    const refused = { code: 291, codeName: 'NoQueryExecutionPlans' }
    expect(await failure(source.find({}, { hint: '$**_1' }).toArray())).toMatchObject(refused)
    expect(await failure(source.find({ a: null }, { hint: { '$**': 1 } }).toArray())).toMatchObject(refused)
    expect(await failure(source.find({}, { hint: '$**_1', min: { a: 5 } }).toArray())).toMatchObject({ code: 51174 })
    const compound = await indexed({ f: 1, 'b.$**': 1 })
    expect(await compound.find({}, { hint: 'f_1_b.$**_1' }).toArray()).toHaveLength(stored.length)
  })

  it.each<[string, IndexSpecification, Document, number]>([
    ['uniqueness', { '$**': 1 }, { unique: true }, 67],
    ['sparseness', { '$**': 1 }, { sparse: true }, 67],
    ['an expiry', { 'a.$**': 1 }, { expireAfterSeconds: 5 }, 67],
    ['a hash', { '$**': 'hashed' }, {}, 67],
    ['two wildcards', { 'a.$**': 1, 'b.$**': 1 }, {}, 7246201],
    ['a regular field that it covers', { a: 1, 'a.$**': 1 }, {}, 7246204],
    ['all fields and another', { a: 1, '$**': 1 }, {}, 67],
    ['a projection without wildcard', { a: 1 }, { wildcardProjection: { b: 1 } }, 2],
    ['a projection of a root', { 'a.$**': 1 }, { wildcardProjection: { b: 1 } }, 9],
    ['an empty projection', { '$**': 1 }, { wildcardProjection: {} }, 9],
    ['a projection of both kinds', { '$**': 1 }, { wildcardProjection: { a: 1, b: 0 } }, 31254],
    ['a computed projection', { '$**': 1 }, { wildcardProjection: { a: 'x' } }, 51271],
  ])('is refused with %s', async (_, key, options, code) => {
    expect((await failure(collection('refused').createIndex(key, options))).code).toBe(code)
  })
})
