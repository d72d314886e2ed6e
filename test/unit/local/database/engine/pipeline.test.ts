import { Decimal128 } from 'bson'
import { describe, expect, it } from 'vitest'
import { toDoc } from '../../../../../local/database/bson/value.ts'
import type { PipelineEnv } from '../../../../../local/database/engine/env.ts'
import { compileProjection } from '../../../../../local/database/engine/projection/compile.ts'
import { compileSort } from '../../../../../local/database/engine/sort.ts'
import { runPipeline } from '../../../../../local/database/engine/stage/pipeline.ts'
import { aggregate, createEnv, outcome, show, shown } from '../support.ts'

const SALES = [
  { _id: 0, c: 'a', q: 1, p: 2.5, d: new Date('2024-01-01'), t: [1, 2] },
  { _id: 1, c: 'b', q: 2, p: 3.5, d: new Date('2024-01-03'), t: [] },
  { _id: 2, c: 'a', q: 5, p: 1.5, d: new Date('2024-01-05') },
  { _id: 3, c: 'b', q: null, p: 9.5, d: new Date('2024-01-09'), t: 'x' },
  { _id: 4, q: 4n, p: 4.5, d: new Date('2024-01-20'), t: null },
]
const OTHER = [
  { _id: 0, k: 'a', v: 1 },
  { _id: 1, k: ['a', 'b'], v: 2 },
  { _id: 2, v: 3 },
]

type Row = readonly [string, object[], object[] | string]

const CASES: readonly Row[] = [
  [
    'groups with the accumulators of MongoDB',
    [
      {
        $group: {
          _id: '$c',
          n: { $count: {} },
          s: { $sum: '$q' },
          a: { $avg: '$p' },
          mx: { $max: '$q' },
          f: { $first: '$q' },
          ps: { $push: '$nope' },
        },
      },
    ],
    [
      { _id: 'a', n: 2, s: 6, a: new Map([['d', 2]]), mx: 5, f: 1, ps: [] },
      { _id: 'b', n: 2, s: 2, a: 6.5, mx: 2, f: 2, ps: [] },
      { _id: null, n: 1, s: 4n, a: 4.5, mx: 4n, f: 4n, ps: [] },
    ],
  ],
  [
    'ranks with $top, $bottomN, $firstN and $maxN',
    [
      {
        $group: {
          _id: null,
          top: { $top: { sortBy: { p: -1 }, output: '$_id' } },
          bottom: { $bottomN: { n: 2, sortBy: { p: -1 }, output: '$p' } },
          first: { $firstN: { n: 2, input: '$_id' } },
          max: { $maxN: { n: 1, input: '$q' } },
          median: { $median: { input: '$p', method: 'approximate' } },
        },
      },
    ],
    [{ _id: null, top: 3, bottom: [2.5, 1.5], first: [0, 1], max: [5], median: 3.5 }],
  ],
  [
    'unwinds, keeping what is empty when asked',
    [{ $project: { t: 1 } }, { $unwind: { path: '$t', includeArrayIndex: 'i', preserveNullAndEmptyArrays: true } }],
    [
      { _id: 0, t: 1, i: 0n },
      { _id: 0, t: 2, i: 1n },
      { _id: 1, i: null },
      { _id: 2, i: null },
      { _id: 3, t: 'x', i: null },
      { _id: 4, t: null, i: null },
    ],
  ],
  [
    'joins by equality, null and missing alike',
    [{ $lookup: { from: 'other', localField: 'c', foreignField: 'k', as: 'j' } }, { $project: { j: '$j._id' } }],
    [
      { _id: 0, j: [0, 1] },
      { _id: 1, j: [1] },
      { _id: 2, j: [0, 1] },
      { _id: 3, j: [1] },
      { _id: 4, j: [2] },
    ],
  ],
  [
    'joins an array by its elements, an empty one by null',
    [{ $lookup: { from: 'other', localField: 't', foreignField: 'k', as: 'j' } }, { $project: { j: '$j._id' } }],
    [
      { _id: 0, j: [] },
      { _id: 1, j: [2] },
      { _id: 2, j: [2] },
      { _id: 3, j: [] },
      { _id: 4, j: [2] },
    ],
  ],
  [
    'joins by the values that the elements of an array have, and by null when none has one',
    [
      { $limit: 2 },
      { $set: { m: { $cond: [{ $eq: ['$_id', 0] }, [{ x: 'a' }, { y: 1 }], [{ y: 1 }]] } } },
      { $lookup: { from: 'other', localField: 'm.x', foreignField: 'k', as: 'j' } },
      { $project: { j: '$j._id' } },
    ],
    [
      { _id: 0, j: [0, 1] },
      { _id: 1, j: [2] },
    ],
  ],
  [
    'joins by a pipeline with variables',
    [
      { $limit: 2 },
      {
        $lookup: {
          from: 'other',
          let: { x: '$c' },
          pipeline: [{ $match: { $expr: { $eq: ['$k', '$$x'] } } }, { $project: { _id: 0, v: 1 } }],
          as: 'j',
        },
      },
      { $project: { j: 1 } },
    ],
    [
      { _id: 0, j: [{ v: 1 }] },
      { _id: 1, j: [] },
    ],
  ],
  [
    'runs facets over the same documents',
    [
      {
        $facet: {
          a: [{ $match: { c: 'a' } }, { $count: 'n' }],
          b: [{ $sort: { p: 1 } }, { $limit: 1 }, { $project: { p: 1 } }],
        },
      },
    ],
    [{ a: [{ n: 2 }], b: [{ _id: 2, p: 1.5 }] }],
  ],
  [
    'buckets by boundaries',
    [{ $bucket: { groupBy: '$p', boundaries: [0, 2, 4], default: 'other' } }],
    [
      { _id: 0, count: 1 },
      { _id: 2, count: 2 },
      { _id: 'other', count: 2 },
    ],
  ],
  [
    'makes buckets of about the same size',
    [{ $bucketAuto: { groupBy: '$_id', buckets: 2 } }],
    [
      { _id: { min: 0, max: 3 }, count: 3 },
      { _id: { min: 3, max: 4 }, count: 2 },
    ],
  ],
  [
    'sums over a running window and a range of days',
    [
      {
        $setWindowFields: {
          partitionBy: '$c',
          sortBy: { d: 1 },
          output: {
            run: { $sum: '$q', window: { documents: ['unbounded', 'current'] } },
            days: { $sum: '$q', window: { range: [-4, 'current'], unit: 'day' } },
            n: { $documentNumber: {} },
            before: { $shift: { output: '$q', by: -1, default: 'none' } },
          },
        },
      },
      { $project: { run: 1, days: 1, n: 1, before: 1 } },
    ],
    [
      { _id: 4, run: 4n, days: 4n, n: 1, before: 'none' },
      { _id: 0, run: 1, days: 1, n: 1, before: 'none' },
      { _id: 2, run: 6, days: 6, n: 2, before: 1 },
      { _id: 1, run: 2, days: 2, n: 1, before: 'none' },
      { _id: 3, run: 2, days: 0, n: 2, before: 2 },
    ],
  ],
  [
    'fills gaps linearly and with a value',
    [
      { $fill: { sortBy: { d: 1 }, output: { q: { method: 'linear' }, c: { value: 'none' } } } },
      { $project: { q: 1, c: 1 } },
      { $match: { _id: { $gte: 3 } } },
    ],
    [
      { _id: 3, c: 'b', q: 4.733333333333333 },
      { _id: 4, q: 4n, c: 'none' },
    ],
  ],
  [
    'adds the documents that a sequence lacks',
    [
      { $project: { _id: 0, q: 1 } },
      { $match: { q: { $in: [1, 5] } } },
      { $densify: { field: 'q', range: { step: 2, bounds: 'full' } } },
    ],
    [{ q: 1 }, { q: 3 }, { q: 5 }],
  ],
  [
    'adds another collection',
    [
      { $match: { _id: 0 } },
      { $project: { _id: 1 } },
      { $unionWith: { coll: 'other', pipeline: [{ $match: { v: 3 } }] } },
    ],
    [{ _id: 0 }, { _id: 2, v: 3 }],
  ],
  [
    'follows a graph',
    [
      { $limit: 1 },
      {
        $graphLookup: {
          from: 'tree',
          startWith: '$c',
          connectFromField: 'up',
          connectToField: 'n',
          as: 'up',
          depthField: 'depth',
        },
      },
      { $project: { up: { $sortArray: { input: '$up', sortBy: { depth: 1 } } } } },
    ],
    [
      {
        _id: 0,
        up: [
          { _id: 1, n: 'a', up: 'b', depth: 0n },
          { _id: 2, n: 'b', up: 'a', depth: 1n },
        ],
      },
    ],
  ],
  [
    'redacts by level',
    [
      { $limit: 1 },
      { $project: { x: { keep: { $literal: true }, y: 1 } } },
      { $redact: { $cond: [{ $eq: [{ $type: '$keep' }, 'bool'] }, '$$PRUNE', '$$DESCEND'] } },
    ],
    [{ _id: 0 }],
  ],
  [
    'computes a nested field in every element of an array',
    [{ $limit: 1 }, { $project: { 't.n': '$q' } }],
    [{ _id: 0, t: [{ n: 1 }, { n: 1 }] }],
  ],
  ['counts nothing as no document', [{ $match: { _id: 99 } }, { $count: 'n' }], []],
  ['refuses an unknown stage', [{ $foo: 1 }], "40324 Unrecognized pipeline stage name: '$foo'"],
  [
    'refuses a stage of two fields',
    [{ $match: {}, $limit: 1 }],
    '40323 A pipeline stage specification object must contain exactly one field.',
  ],
  ['refuses an unknown accumulator', [{ $group: { _id: 1, x: { $foo: 1 } } }], "15952 unknown group operator '$foo'"],
  ['refuses a group without _id', [{ $group: {} }], '15955 a group specification must include an _id'],
  [
    'refuses to write in the middle',
    [{ $out: 'x' }, { $match: {} }],
    '40601 $out can only be the final stage in the pipeline',
  ],
  [
    'refuses geospatial search by name',
    [{ $geoNear: {} }],
    '238 $geoNear is not supported: the local database has no geospatial index',
  ],
  [
    'refuses to mix inclusion and exclusion',
    [{ $project: { a: 1, b: 0 } }],
    '31254 Invalid $project :: caused by :: Cannot do exclusion on field b in inclusion projection',
  ],
]

const TREE = [
  { _id: 1, n: 'a', up: 'b' },
  { _id: 2, n: 'b', up: 'a' },
]

/** A one-entry map stands for a whole number that is a double. */
function wanted(rows: readonly object[]): string[] {
  return rows.map((row) => shown(row).replace(/\{"d":\{"\$numberDouble":"([^"]+)"\}\}/g, '{"$numberDouble":"$1"}'))
}

describe('aggregation pipelines', () => {
  it.each(CASES)('%s', (_name, pipeline, expected) => {
    if (typeof expected === 'string') {
      expect(outcome(() => aggregate(SALES, pipeline).map(show).join())).toBe(expected)
    } else {
      expect(aggregate(SALES, pipeline, { other: OTHER, tree: TREE }).map(show)).toEqual(wanted(expected))
    }
  })

  it('hands the result to the writer of $merge', () => {
    const written: string[] = []
    const env: PipelineEnv = {
      ...createEnv(),
      output: (stage, spec) => (docs) => written.push(stage, show(spec), ...Array.from(docs, show)),
    }
    const docs = Array.from(
      runPipeline([toDoc({ $match: { a: 1 } }), toDoc({ $merge: 'x' })], [toDoc({ a: 1 }), toDoc({ a: 2 })], env),
    )
    expect([docs, written]).toEqual([[], ['$merge', '"x"', shown({ a: 1 })]])
  })
})

describe('sums', () => {
  it.each(
    [
      [[2147483647, 1], 2147483648n],
      [[1, 2n], 3n],
      [[0.1, 0.2, 0.3], 0.6],
      [[1, Decimal128.fromString('1.50')], Decimal128.fromString('2.50')],
      [[9223372036854775807n, 1], 2 ** 63],
      [['x', null], 0],
    ].map(([values, expected]) => [shown(values), values as unknown[], expected] as const),
  )('$sum of %s is exact', (_name, values, expected) => {
    const [result] = aggregate(
      values.map((v) => ({ v })),
      [{ $group: { _id: null, s: { $sum: '$v' } } }],
    )
    expect(show(result?.get('s'))).toBe(
      typeof expected === 'number' && expected > 1e18 ? show(expected) : shown(expected),
    )
  })
})

describe('sorting', () => {
  it.each([
    [
      { a: 1 },
      [{ a: 'x' }, { a: [5, 0] }, { a: 1 }, {}, { a: [] }],
      [{ a: [] }, {}, { a: [5, 0] }, { a: 1 }, { a: 'x' }],
    ],
    [{ a: -1 }, [{ a: [5, 0] }, { a: 1 }, {}], [{ a: [5, 0] }, { a: 1 }, {}]],
    [
      { 'a.b': 1, 'a.c': -1 },
      [{ a: [{ b: 2, c: 1 }] }, { a: [{ b: 1, c: 1 }, { b: 3 }] }, { a: { b: 1, c: 2 } }],
      [{ a: { b: 1, c: 2 } }, { a: [{ b: 1, c: 1 }, { b: 3 }] }, { a: [{ b: 2, c: 1 }] }],
    ],
  ])("%j puts %j in MongoDB's order", (spec, docs, expected) => {
    expect(
      compileSort(toDoc(spec))
        .sort(docs.map((doc) => toDoc(doc)))
        .map(show),
    ).toEqual(expected.map(shown))
  })

  it('refuses keys in parallel arrays', () => {
    expect(outcome(() => String(compileSort(toDoc({ a: 1, b: 1 })).sort([toDoc({ a: [1], b: [2] })])))).toBe(
      '2 cannot sort with keys that are parallel arrays',
    )
  })
})

describe('find projections', () => {
  const doc = { _id: 1, a: [{ b: 1, c: 2 }, { b: 3 }, 4], d: { e: 1, f: 2 } }
  it.each([
    [{ d: 1 }, { _id: 1, d: { e: 1, f: 2 } }],
    [
      { a: 0, 'd.e': 0 },
      { _id: 1, d: { f: 2 } },
    ],
    [{ 'a.b': 1, _id: 0 }, { a: [{ b: 1 }, { b: 3 }] }],
    [{ a: { $slice: [1, 1] } }, { _id: 1, a: [{ b: 3 }], d: { e: 1, f: 2 } }],
    [{ a: { $elemMatch: { b: 3 } } }, { _id: 1, a: [{ b: 3 }] }],
    [
      { x: '$d.e', d: { e: 1 } },
      { _id: 1, d: { e: 1 }, x: 1 },
    ],
    [{ 'a.$': 1 }, { _id: 1, a: [{ b: 3 }] }],
  ])('%j', (spec, expected) => {
    const project = compileProjection(toDoc(spec), createEnv(), toDoc({ 'a.b': 3 }))
    expect(show(project(toDoc(doc)))).toBe(shown(expected))
  })
})
