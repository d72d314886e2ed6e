import { Int32 } from 'bson'
import fc from 'fast-check'
import { COLLECTION, TARGET } from './collection-name.ts'
import { condition, expression } from './expression.ts'
import { filter } from './filter.ts'
import { sequentialStage } from './sequential-stage.ts'
import { type Doc, doc, literal, smallInt } from './value.ts'

const one = new Int32(1)
const groupKey = fc.oneof(fc.constantFrom<unknown>('$i', '$s', '$b', '$n', '$x', '$o.q', null), expression)
const field = fc.constantFrom('$n', '$i', '$s', '$x', '$o.p', '$l')

const accumulator = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('$sum', '$avg', '$min', '$max', '$first', '$last', '$push', '$stdDevPop', '$stdDevSamp'),
      field,
    )
    .map(([name, value]) => literal({ [name]: value })),
  fc.constant(literal({ $count: doc([]) })),
  fc.constant(literal({ $sum: one })),
  fc.constantFrom('$o', '$$ROOT').map((value) => literal({ $mergeObjects: value })),
  fc
    .tuple(fc.constantFrom('$firstN', '$lastN', '$minN', '$maxN'), field)
    .map(([name, input]) => literal({ [name]: literal({ input, n: new Int32(2) }) })),
  fc
    .tuple(fc.constantFrom('$top', '$bottom'), field)
    .map(([name, output]) => literal({ [name]: literal({ sortBy: literal({ _id: new Int32(-1) }), output }) })),
)

const group = fc
  .tuple(groupKey, accumulator, accumulator)
  .map(([id, a, b]) => literal({ $group: literal({ _id: id, a, b }) }))

/** Stages that keep the order of what comes in. */
const orderedStage: fc.Arbitrary<Doc> = fc.oneof(
  { weight: 2, arbitrary: filter.map((value) => literal({ $match: value })) },
  { weight: 6, arbitrary: expression.map((value) => literal({ $project: literal({ z: value }) })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('$addFields', '$set'), fc.constantFrom('z', 'n', 'o.p', 'm.v', 'x'), expression)
      .map(([name, path, value]) => literal({ [name]: literal({ [path]: value }) })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('n', 'o.p', 'm.k', 'x', 'l'), fc.constantFrom(0, 1))
      .map(([path, keep]) => literal({ $project: literal({ [path]: new Int32(keep) }) })),
  },
  { weight: 1, arbitrary: fc.constantFrom('n', 'o.p', 'm.k').map((path) => literal({ $unset: path })) },
  { weight: 1, arbitrary: smallInt.map((count) => literal({ $skip: count })) },
  { weight: 1, arbitrary: fc.constantFrom(1, 2, 3).map((count) => literal({ $limit: new Int32(count) })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('$l', '$m', '$t', '$x', '$o.r'), fc.boolean(), fc.boolean())
      .map(([path, keep, index]) =>
        literal({
          $unwind: literal({
            path,
            ...(keep ? { preserveNullAndEmptyArrays: true } : {}),
            ...(index ? { includeArrayIndex: 'at' } : {}),
          }),
        }),
      ),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom<unknown>(
        literal({ $mergeObjects: ['$$ROOT', '$o'] }),
        literal({ $ifNull: ['$o', literal({ none: true })] }),
      )
      .map((value) => literal({ $replaceWith: value })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('i', 'n', 's', 'o.p', 'l', 'x'), fc.constantFrom(1, -1))
      .map(([path, order]) => literal({ $sort: literal({ [path]: new Int32(order), _id: one }) })),
  },
)

const densify = fc
  .tuple(
    fc.oneof(
      fc
        .tuple(fc.constantFrom(1, 2), fc.constantFrom<unknown>('full', [new Int32(0), new Int32(3)]))
        .map(([step, bounds]) => ({ field: 'i', range: literal({ step: new Int32(step), bounds }) })),
      fc
        .constantFrom('full', 'partition')
        .map((bounds) => ({ field: 'd', range: literal({ step: new Int32(10), unit: 'year', bounds }) })),
    ),
    fc.boolean(),
  )
  .map(([{ field: path, range }, partitioned]) =>
    literal({
      $densify: literal({
        field: path,
        ...(partitioned || range.get('bounds') === 'partition' ? { partitionByFields: ['b'] } : {}),
        range,
      }),
    }),
  )

const graphLookup = fc
  .tuple(
    fc.constantFrom('$i', '$l', '$m.k'),
    fc.constantFrom('i', 'm.k'),
    fc.constantFrom(0, 1, 2, undefined),
    fc.option(filter, { nil: undefined, freq: 3 }),
  )
  .map(([startWith, connectFromField, maxDepth, restrictSearchWithMatch]) =>
    literal({
      $graphLookup: literal({
        from: COLLECTION,
        startWith,
        connectFromField,
        connectToField: '_id',
        as: 'chain',
        ...(maxDepth === undefined ? {} : { maxDepth: new Int32(maxDepth) }),
        depthField: 'depth',
        ...(restrictSearchWithMatch === undefined ? {} : { restrictSearchWithMatch }),
      }),
    }),
  )

/** Stages whose output order is not defined, or that end the documents' identity. */
const lastStage: fc.Arbitrary<Doc> = fc.oneof(
  // Here, and not before other stages: DocumentDB 1.0 ends with a segmentation fault when a stage follows $redact.
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.oneof(
          condition,
          smallInt.map((bound) => literal({ $lte: ['$k', bound] })),
        ),
        fc.constantFrom('$$KEEP', '$$DESCEND'),
      )
      .map(([test, kept]) => literal({ $redact: literal({ $cond: [test, kept, '$$PRUNE'] }) })),
  },
  { weight: 6, arbitrary: group },
  { weight: 1, arbitrary: fc.constant(literal({ $count: 'total' })) },
  { weight: 1, arbitrary: fc.constantFrom('$i', '$b').map((value) => literal({ $sortByCount: value })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('$i', '$n').map((groupBy) =>
      literal({
        $bucket: literal({
          groupBy,
          boundaries: [new Int32(-1), new Int32(1), new Int32(3)],
          default: 'other',
          output: literal({ count: literal({ $sum: one }), ids: literal({ $push: '$_id' }) }),
        }),
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('$i', '$n', '$s'), fc.constantFrom(1, 2, 3))
      .map(([groupBy, buckets]) => literal({ $bucketAuto: literal({ groupBy, buckets: new Int32(buckets) }) })),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('i', 'n', 's', 'm.k', 'x', 'l')
      .map((localField) =>
        literal({ $lookup: literal({ from: COLLECTION, localField, foreignField: 'i', as: 'found' }) }),
      ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(condition).map(([value]) =>
      literal({
        $lookup: literal({
          from: COLLECTION,
          let: literal({ v: '$i' }),
          pipeline: [
            literal({ $match: literal({ $expr: literal({ $and: [literal({ $lte: ['$i', '$$v'] }), value] }) }) }),
            literal({ $sort: literal({ _id: one }) }),
            literal({ $project: literal({ i: one }) }),
          ],
          as: 'found',
        }),
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: filter.map((value) =>
      literal({ $unionWith: literal({ coll: COLLECTION, pipeline: [literal({ $match: value })] }) }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom('i', 'n', 'm.k'), filter).map(([localField, value]) =>
      literal({
        $lookup: literal({
          from: COLLECTION,
          localField,
          foreignField: 'i',
          pipeline: [literal({ $match: value }), literal({ $sort: literal({ _id: one }) })],
          as: 'found',
        }),
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(group, filter).map(([a, value]) =>
      literal({
        $facet: literal({
          a: [a, literal({ $sort: literal({ _id: one }) }), literal({ $limit: one })],
          b: [literal({ $match: value }), literal({ $count: 'n' })],
        }),
      }),
    ),
  },
  { weight: 2, arbitrary: densify },
  { weight: 2, arbitrary: graphLookup },
)

export interface GeneratedPipeline {
  readonly pipeline: Doc[]
  /** The documents come in a defined order. */
  readonly ordered: boolean
}

/** After these there may be several documents of an `_id`, or none with it. */
const ENDING_IDENTITY = ['$unwind', '$replaceWith']

function endsIdentity(stage: Doc): boolean {
  return ENDING_IDENTITY.some((name) => stage.has(name))
}

const FROM_FIRST = literal({ $sort: literal({ _id: one }) })

const sequential: fc.Arbitrary<GeneratedPipeline> = fc
  .tuple(fc.array(orderedStage, { maxLength: 2 }), sequentialStage)
  .map(([stages, last]) => {
    return { pipeline: [FROM_FIRST, ...stages.filter((stage) => !endsIdentity(stage)), last], ordered: false }
  })

/** A sort by `_id` orders no documents that have one `_id`, or none. */
function sortsTies(stage: Doc, index: number, stages: readonly Doc[]): boolean {
  return stage.has('$sort') && stages.slice(0, index).some(endsIdentity)
}

const streamed: fc.Arbitrary<GeneratedPipeline> = fc
  .tuple(fc.array(orderedStage, { maxLength: 2 }), fc.option(lastStage, { nil: undefined }))
  .map(([stages, last]) => ({
    pipeline: [
      FROM_FIRST,
      ...stages.filter((stage, index) => !sortsTies(stage, index, stages)),
      ...(last ? [last] : []),
    ],
    ordered: last === undefined,
  }))

/** Pipelines over the collection in the order of `_id`; what follows a stage without defined order is nothing. */
export const pipeline: fc.Arbitrary<GeneratedPipeline> = fc.oneof(
  { weight: 6, arbitrary: streamed },
  { weight: 1, arbitrary: sequential },
)

const writer: fc.Arbitrary<Doc> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(literal({ $out: TARGET })) },
  {
    weight: 3,
    arbitrary: fc
      .record({
        whenMatched: fc.constantFrom<unknown>('replace', 'keepExisting', 'merge', 'fail', [
          literal({ $set: literal({ z: '$$new.n', w: '$i' }) }),
        ]),
        whenNotMatched: fc.constantFrom('insert', 'discard', 'fail'),
      })
      .map((modes) => literal({ $merge: literal({ into: TARGET, ...modes }) })),
  },
)

/** Pipelines that write what they give to {@link TARGET}, each document by its `_id`. */
export const writingPipeline: fc.Arbitrary<Doc[]> = fc
  .tuple(fc.array(orderedStage, { maxLength: 2 }), writer)
  .map(([stages, last]) => [FROM_FIRST, ...stages.filter((stage) => !endsIdentity(stage)), last])
