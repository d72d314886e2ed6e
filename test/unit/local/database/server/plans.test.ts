import fc from 'fast-check'
import { Decimal128, type Document, type IndexSpecification, MaxKey, MinKey } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { localDatabase } from './connect.ts'

const database = localDatabase()
const collection = (name: string) => database.client.db('plans').collection<Document>(name)

const day = (n: number) => new Date(Date.UTC(2024, 0, n))

/** Few values of many types, so that they meet each other and the bounds of the types. */
const common = fc.constantFrom<unknown>(1, 2, null, 'a', day(2), Number.NaN)
const rare = fc.constantFrom<unknown>(
  ...[Number.NEGATIVE_INFINITY, -1, 0, 2.5, Decimal128.fromString('2'), '', 'ab', 'AB', true, day(1), day(3)],
  ...[new MinKey(), new MaxKey()],
)
const scalar = fc.oneof({ weight: 4, arbitrary: common }, rare)
const inner = fc.oneof({ weight: 3, arbitrary: scalar }, fc.array(scalar, { maxLength: 2 }))
const embedded = fc.record({ x: inner, y: inner }, { requiredKeys: [] })
const element = fc.oneof(scalar, embedded, fc.constantFrom<unknown>([1], /^a/))
const value = fc.oneof(scalar, embedded, fc.array(element, { maxLength: 3 }))
const documents = fc.array(fc.record({ a: value, b: value }, { requiredKeys: [] }), { minLength: 12, maxLength: 24 })

const operand = fc.oneof({ weight: 8, arbitrary: scalar }, embedded, fc.array(scalar, { maxLength: 2 }))
const comparison = fc
  .tuple(fc.constantFrom('$gt', '$gte', '$lt', '$lte'), operand)
  .map(([operator, bound]): Document => ({ [operator]: bound }))
const list = fc.array(fc.oneof({ weight: 5, arbitrary: operand }, fc.constant(/^a/)), { maxLength: 3 })
const positive = fc.oneof(
  comparison,
  fc.tuple(comparison, comparison).map(([left, right]): Document => ({ ...left, ...right })),
  fc.record({ $eq: operand }),
  fc.record({ $in: list }),
  fc.record({ $exists: fc.constantFrom<unknown>(true, false, 1, 0) }),
  fc.record({ $type: fc.constantFrom('number', 'string', 'array', 'null', 'object', 'date', 'double') }),
  fc.constantFrom<Document>({ $regex: '^A', $options: 'i' }, { $regex: '^a' }, { $regex: 'b' }),
)
const condition = fc.oneof(
  { weight: 4, arbitrary: positive },
  fc.record({ $ne: operand }),
  fc.record({ $nin: list }),
  fc.record({ $not: positive }),
  fc.record({ $not: comparison }),
  fc.record({ $elemMatch: positive }),
  fc.record({ $elemMatch: fc.record({ x: positive, y: positive }, { requiredKeys: ['x'] }) }),
  operand,
  fc.record({ $gte: fc.constantFrom(day(1), day(2)), $lt: fc.constantFrom(day(2), day(3)) }),
)
const path = fc.constantFrom('a', 'a', 'a', 'b', 'a.x', 'a.x', 'a.y', 'a.0')
const one = fc.tuple(path, condition).map(([name, wanted]): Document => ({ [name]: wanted }))
const clause = fc.oneof(
  { weight: 3, arbitrary: one },
  fc.tuple(one, one).map(([left, right]): Document => ({ ...left, ...right })),
  fc.record({ 'a.x': condition, 'a.y': condition }),
)
const filter = fc.oneof(
  { weight: 6, arbitrary: clause },
  fc.record({ $or: fc.tuple(clause, clause) }),
  fc.record({ $and: fc.tuple(clause, clause) }),
  fc.record({ $nor: fc.tuple(clause) }),
  fc.tuple(clause, clause).map(([both, other]): Document => ({ ...both, $or: [other, { b: 1 }] })),
)

const collation = { locale: 'en', strength: 2 }

const indexes: readonly (readonly [IndexSpecification, object])[] = [
  [{ a: 1 }, {}],
  [{ a: -1 }, {}],
  [{ a: 1, b: -1 }, {}],
  [{ b: 1, a: -1 }, {}],
  [{ 'a.x': 1 }, {}],
  [{ 'a.x': 1, 'a.y': -1 }, {}],
  [{ a: 1, 'a.x': 1 }, {}],
  [{ 'a.0': 1 }, {}],
  [{ a: 1 }, { sparse: true }],
  [{ 'a.x': 1 }, { sparse: true }],
  [{ a: 1, b: 1 }, { sparse: true }],
  [{ a: 1 }, { partialFilterExpression: { a: { $gt: 0 } } }],
  [{ a: 1 }, { partialFilterExpression: { a: { $exists: true } } }],
  [{ b: 1 }, { partialFilterExpression: { a: { $lte: 2 } } }],
  [{ a: -1 }, { partialFilterExpression: { b: { $type: 'number' }, a: { $in: [1, 'a'] } } }],
  [{ a: 1 }, { hidden: true }],
  [{ a: 1, _id: 1 }, { unique: true }],
  [{ a: 1 }, { collation }],
  [{ a: 1 }, { collation, partialFilterExpression: { a: { $gt: 'A' } } }],
  [{ '$**': 1 }, {}],
  [{ '$**': 1 }, { wildcardProjection: { a: 1 } }],
  [{ '$**': -1 }, { wildcardProjection: { 'a.x': 0 } }],
  [{ '$**': 1 }, { wildcardProjection: { a: { x: 1 }, b: 1 } }],
  [{ '$**': 1 }, { partialFilterExpression: { a: { $gt: 0 } } }],
  [{ '$**': 1 }, { collation }],
  [{ '$**': 1 }, { hidden: true }],
  [{ 'a.$**': -1 }, {}],
  [{ b: 1, 'a.$**': 1 }, {}],
]

async function ids(cursor: { toArray(): Promise<Document[]> }): Promise<unknown[]> {
  return (await cursor.toArray()).map(({ _id }) => _id).sort((left, right) => left - right)
}

/** A hint reads this index whatever it leaves out; a wildcard index that cannot answer is refused. */
async function expectHinted(
  hinted: Promise<unknown[]>,
  expected: readonly unknown[],
  options: object,
  wildcard: boolean,
): Promise<void> {
  const [found, code] = await hinted.then(
    (value) => [value, 0] as const,
    (error) => [[], error.code] as const,
  )
  if ('hidden' in options) expect(code).toBe(2)
  else if (code !== 0) expect([code, wildcard]).toEqual([291, true])
  else if ('sparse' in options || 'partialFilterExpression' in options)
    expect(expected).toEqual(expect.arrayContaining([...found]))
  else expect(found).toEqual(expected)
}

describe('a plan', () => {
  it('finds and counts what reading every document does', async () => {
    let run = 0
    await fc.assert(
      fc.asyncProperty(
        documents,
        fc.array(filter, { minLength: 12, maxLength: 24 }),
        fc.constantFrom(...indexes),
        async (docs, filters, [key, options]) => {
          const source = collection(`run${run++}`)
          await source.createIndex(key, options)
          const stored = docs.map((document, _id) => ({ ...document, _id }) as Document)
          // Two arrays in one key are refused, as MongoDB does.
          await source.insertMany(stored, { ordered: false }).catch((error) => expect(error.code).toBe(171))
          const collated = 'collation' in options ? { collation } : {}
          const wildcard = JSON.stringify(key).includes('$**')
          const order = wildcard ? { a: 1 } : key
          for (const wanted of filters) {
            const every = { hint: { $natural: 1 }, ...collated }
            const expected = await ids(source.find(wanted, every))
            const found = {
              found: await ids(source.find(wanted, collated)),
              sorted: await ids(source.find(wanted, collated).sort(order as Record<string, 1>)),
              counted: await source.countDocuments(wanted, collated),
            }
            expect(found, JSON.stringify([wanted, key, options])).toEqual({
              found: expected,
              sorted: expected,
              counted: expected.length,
            })
            await expectHinted(ids(source.find(wanted, { hint: key, ...collated })), expected, options, wildcard)
          }
          await source.drop()
        },
      ),
      { numRuns: Number(process.env.PLAN_RUNS ?? 25) },
    )
  })
})

describe('a partial index that no bounds narrow', () => {
  const odd = { $mod: [2, 1] }

  it.each<[string, Document, used: string, keys: number, read: number, found: unknown[]]>([
    ['answers with its entries alone', { a: { $gt: 15 }, b: odd }, 'b_1', 4, 4, [17, 19]],
    ['answers what implies its filter', { a: { $gte: 17 }, b: odd }, 'b_1', 4, 4, [17, 19]],
    ['answers for the arrays that it holds', { list: { $type: 'array' } }, 'list_1', 2, 2, [3, 7]],
    ['yields to bounds that leave fewer entries', { a: 18, b: { $type: 'int' }, c: 6 }, 'c_1', 2, 2, [18]],
    ['serves beside bounds that leave more entries', { a: { $gt: 15 }, b: odd, c: { $gte: 1 } }, 'b_1', 4, 4, [17, 19]],
    ['yields to bounds that leave as many entries', { a: { $gt: 15 }, b: odd, d: 1 }, 'd_1', 4, 4, [17, 19]],
    ['is not used where its filter may fail', { a: { $gt: 14 }, b: odd }, 'none', 0, 20, [15, 17, 19]],
    ['is not used where nothing asks for its field', { a: { $gt: 15 } }, 'none', 0, 20, [16, 17, 18, 19]],
  ])('%s', async (name, wanted, used, keys, read, found) => {
    const source = collection(`partial ${name}`)
    await source.createIndexes([
      { key: { b: 1 }, partialFilterExpression: { a: { $gt: 15 } } },
      { key: { list: 1 }, partialFilterExpression: { list: { $type: 'array' } } },
      { key: { c: 1 } },
      { key: { d: 1 } },
    ])
    const stored = Array.from({ length: 20 }, (_, n): Document => {
      const list = n === 3 || n === 7 ? [n] : n
      return { _id: n, a: n, b: n, c: Math.floor(n / 3), d: Number(n > 15), list }
    })
    await source.insertMany(stored)
    const explained = await source.find(wanted).explain('executionStats')
    const { totalKeysExamined, totalDocsExamined } = explained.executionStats
    expect({
      used: explained.queryPlanner.winningPlan.inputStage?.indexName ?? 'none',
      keys: totalKeysExamined,
      read: totalDocsExamined,
      found: await ids(source.find(wanted)),
    }).toEqual({ used, keys, read, found })
  })
})
