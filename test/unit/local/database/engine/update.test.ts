import { Decimal128, Double, Int32, ObjectId } from 'bson'
import { describe, expect, it } from 'vitest'
import { type Doc, toDoc } from '../../../../../local/database/bson/value.ts'
import { applyUpdate } from '../../../../../local/database/engine/update/apply.ts'
import { describeUpdate } from '../../../../../local/database/engine/update/describe.ts'
import { documentFromUpsert } from '../../../../../local/database/engine/update/upsert.ts'
import { createEnv, outcome, show, shown } from '../support.ts'

const env = createEnv()
const decimal = (text: string): Decimal128 => Decimal128.fromString(text)

interface Options {
  readonly filter?: object
  readonly arrayFilters?: readonly object[]
}

const read = (update: object): Doc | Doc[] => (Array.isArray(update) ? update.map(toDoc) : toDoc(update))

function updated(doc: object, update: object, { filter, arrayFilters }: Options = {}): string {
  return outcome(() =>
    show(
      applyUpdate(toDoc({ _id: 1, ...doc }), read(update), {
        env,
        ...(filter && { filter: toDoc(filter) }),
        ...(arrayFilters && { arrayFilters: arrayFilters.map(toDoc) }),
      }).doc,
    ),
  )
}

const LONG_MAX = 9223372036854775807n

const CASES: readonly (readonly [object, object, object | string, Options?])[] = [
  [{ a: 1 }, { $inc: { a: 1, b: 2, 'c.d': 1.5 } }, { a: 2, b: 2, c: { d: 1.5 } }],
  [{ a: 2147483647 }, { $inc: { a: 1 } }, { a: 2147483648n }],
  [
    { a: LONG_MAX },
    { $inc: { a: 1 } },
    '2 Failed to apply $inc operations to current value ((NumberLong)9223372036854775807) for document {_id: 1}',
  ],
  [{ a: decimal('1.10') }, { $inc: { a: 1 }, $mul: { b: decimal('2') } }, { a: decimal('2.10'), b: decimal('0') }],
  [
    { a: new Double(0), b: decimal('1.0'), c: decimal('0') },
    { $mul: { a: -1, b: decimal('1.00'), c: -1 } },
    { a: new Double(0), b: decimal('1.0'), c: decimal('0') },
  ],
  [
    {},
    { $mul: { a: -1.5, b: Number.NaN, c: decimal('0.1'), d: 3n, e: 2 } },
    { a: new Double(0), b: new Double(0), c: decimal('0'), d: 0n, e: 0 },
  ],
  [
    { a: 'x' },
    { $inc: { a: 1 } },
    "14 Cannot apply $inc to a value of non-numeric type. {_id: 1} has the field 'a' of non-numeric type string",
  ],
  [{}, { $inc: { a: 'x' } }, '14 Cannot increment with non-numeric argument: {a: "x"}'],
  [{ a: 5 }, { $min: { a: 3 }, $max: { b: 7 } }, { a: 3, b: 7 }],
  [{ a: 1, z: 2 }, { $rename: { a: 'b', z: 'y.q' } }, { b: 1, y: { q: 2 } }],
  [{ v: [{ a: 1 }] }, { $rename: { 'v.0.zz': 'q', 'v.9': 'r' } }, { v: [{ a: 1 }] }],
  [{ a: [1, 2, 3] }, { $unset: { 'a.1': 1 } }, { a: [1, null, 3] }],
  [{ a: [1] }, { $set: { 'a.3': 9 } }, { a: [1, null, null, 9] }],
  [{ a: 5 }, { $set: { 'a.x': 9 } }, "28 Cannot create field 'x' in element {a: 5}"],
  [{}, { $set: { z: 1, b: 2 } }, { b: 2, z: 1 }],
  [{ a: [1, 2] }, { $push: { a: { $each: [5, 4], $position: -1, $slice: -3 } } }, { a: [5, 4, 2] }],
  [
    { a: [{ x: 3 }, { x: 1 }] },
    { $push: { a: { $each: [{ x: 2 }], $sort: { x: 1 }, $slice: 2 } } },
    { a: [{ x: 1 }, { x: 2 }] },
  ],
  [{ a: 1 }, { $push: { a: 1 } }, "2 The field 'a' must be an array but is of type int in document {_id: 1}"],
  [{ a: [1] }, { $addToSet: { a: { $each: [1, 2, 2] }, b: 1 } }, { a: [1, 2], b: [1] }],
  [{ a: [1, 2, 3] }, { $pop: { a: -1 } }, { a: [2, 3] }],
  [{ a: [1, 2, 3] }, { $pull: { a: { $gte: 2 } } }, { a: [1] }],
  [{ a: [{ x: 1, y: 2 }, { x: 2 }] }, { $pull: { a: { x: 1 } } }, { a: [{ x: 2 }] }],
  [{ a: [1, 2, 1] }, { $pullAll: { a: [1] } }, { a: [2] }],
  [{ a: 13 }, { $bit: { a: { and: 10 }, b: { or: 5n } } }, { a: 8, b: 5n }],
  [{}, { $currentDate: { d: true } }, { d: env.now }],
  [{ a: 1 }, { $set: { a: 1, 'a.b': 2 } }, "40 Updating the path 'a.b' would create a conflict at 'a'"],
  [{ a: 1 }, { $set: { 'a.$[]': 1, 'a.0': 2 } }, "40 Updating the path 'a.0' would create a conflict at 'a'"],
  [{ a: 1 }, { $set: { 'a.b': 1, 'a.$[].c': 2 } }, "40 Updating the path 'a.$[].c' would create a conflict at 'a'"],
  [{ a: 1 }, { $set: { _id: 2 } }, "66 Performing an update on the path '_id' would modify the immutable field '_id'"],
  [
    { a: 1 },
    { $foo: { a: 1 } },
    '9 Unknown modifier: $foo. Expected a valid update modifier or pipeline-style update specified as an array',
  ],
  [{ a: 1 }, { $setOnInsert: { b: 1 } }, { a: 1 }],
  [{ a: [1, 2] }, { $set: { 'a.$': 9 } }, { a: [1, 9] }, { filter: { a: 2 } }],
  [{ a: [1] }, { $set: { 'a.$': 9 } }, '2 The positional operator did not find the match needed from the query.'],
  [{ a: [1, 2] }, { $inc: { 'a.$[]': 1 } }, { a: [2, 3] }],
  [
    { a: [{ b: [1, 2] }, { b: [3] }] },
    { $inc: { 'a.$[].b.$[e]': 10 } },
    { a: [{ b: [1, 12] }, { b: [13] }] },
    { arrayFilters: [{ e: { $gte: 2 } }] },
  ],
  [{ a: [1] }, { $set: { 'a.$[e]': 0 } }, "2 No array filter found for identifier 'e' in path 'a.$[e]'"],
  [{}, { $set: { 'a.$[]': 0 } }, "2 The path 'a' must exist in the document in order to apply array updates."],
  [{ a: 1 }, { b: 2 }, { b: 2 }],
  [
    { a: 1 },
    { _id: 5 },
    "66 After applying the update, the (immutable) field '_id' was found to have been altered to _id: 5",
  ],
  [{ a: 1 }, [{ $set: { b: { $add: ['$a', 1] } } }, { $unset: 'a' }], { b: 2 }],
  [{ a: 1 }, [{ $match: {} }], '72 $match is not allowed to be used within an update'],
]

describe('updates', () => {
  it.each(CASES.map((entry) => [shown(entry[0]), shown(entry[1]), entry] as const))(
    '%s updated by %s',
    (_doc, _update, [doc, update, expected, options]) => {
      const wanted = typeof expected === 'string' ? expected : shown({ _id: 1, ...expected })
      expect(updated(doc, update, options)).toBe(wanted)
    },
  )

  it('leaves the given document as it was', () => {
    const doc = toDoc({ _id: 1, a: { b: [{ c: 1 }] } })
    const before = show(doc)
    applyUpdate(doc, toDoc({ $set: { 'a.b.0.c': 2 }, $push: { 'a.d': 1 } }), { env })
    expect(show(doc)).toBe(before)
  })

  const changes: readonly (readonly [object, object, boolean])[] = [
    [{ a: 1 }, { $set: { a: 1 } }, false],
    [{ a: 1 }, { $set: { a: { b: 1 } } }, true],
    [{ a: new Int32(1) }, { $set: { a: 1n } }, true],
    [{ a: 1 }, { $inc: { a: 0 } }, false],
    [{ a: [1] }, { $addToSet: { a: 1 } }, false],
    [{ a: 1 }, { $unset: { b: 1 } }, false],
    [{ a: 1 }, [{ $set: { a: 1 } }], false],
  ]
  it.each(changes.map((entry) => [entry[2], shown(entry[0]), shown(entry[1]), entry] as const))(
    'says %s to whether %s changes by %s',
    (_expected, _doc, _update, [doc, update, changed]) => {
      expect(applyUpdate(toDoc(doc), read(update), { env }).changed).toBe(changed)
    },
  )

  it('tells a change stream of appended elements by their index', () => {
    const { description } = applyUpdate(toDoc({ _id: 1, a: [1], b: 2 }), toDoc({ $push: { a: 2 }, $unset: { b: 1 } }), {
      env,
    })
    expect([show(description.updatedFields), description.removedFields]).toEqual([shown({ 'a.1': 2 }), ['b']])
  })

  it('describes the difference of two documents', () => {
    const { updatedFields, removedFields, truncatedArrays } = describeUpdate(
      toDoc({ a: [1, 2, 3], b: { c: 1, d: 2 }, e: 1 }),
      toDoc({ a: [1, 9], b: { c: 2 }, f: 1 }),
    )
    expect([show(updatedFields), removedFields, show(truncatedArrays)]).toEqual([
      shown({ 'a.1': 9, 'b.c': 2, f: 1 }),
      ['e', 'b.d'],
      shown([{ field: 'a', newSize: 2 }]),
    ])
  })

  it.each([
    [
      { _id: 7, a: 1, 'b.c': { $eq: 2 }, d: { $gt: 1 }, $and: [{ e: 5 }] },
      { $set: { x: 1 } },
      { _id: 7, a: 1, b: { c: 2 }, e: 5, x: 1 },
    ],
    [
      { _id: 1, x: { $in: [3] } },
      { $setOnInsert: { q: 1 }, $inc: { n: 1 } },
      { _id: 1, x: 3, n: 1, q: 1 },
    ],
    [{ _id: 3, a: 1 }, { y: 1 }, { _id: 3, y: 1 }],
    [{ _id: null }, { $set: { y: 1 } }, { _id: null, y: 1 }],
    [{}, { _id: null, y: 1 }, { _id: null, y: 1 }],
    [{ _id: 9, k: 'v' }, [{ $set: { z: 1 } }], { _id: 9, k: 'v', z: 1 }],
  ])('an upsert by %j with %j inserts %j', (filter, update, expected) => {
    expect(show(documentFromUpsert(toDoc(filter), read(update), { env }))).toBe(shown(expected))
  })

  it('gives an upserted document an ObjectId', () => {
    expect(documentFromUpsert(toDoc({ a: 1 }), toDoc({ $set: { b: 1 } }), { env }).get('_id')).toBeInstanceOf(ObjectId)
  })
})
