import { Int32 } from 'bson'
import fc from 'fast-check'
import { COLLECTION } from './collection-name.ts'
import { condition, expression } from './expression.ts'
import { filter } from './filter.ts'
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

/** Stages whose output order is not defined, or that end the documents' identity. */
const lastStage: fc.Arbitrary<Doc> = fc.oneof(
  // Here, and not before other stages: DocumentDB 1.0 ends with a segmentation fault when a stage follows $redact.
  {
    weight: 1,
    arbitrary: condition.map((value) => literal({ $redact: literal({ $cond: [value, '$$KEEP', '$$PRUNE'] }) })),
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
    arbitrary: fc.tuple(group, filter).map(([a, value]) =>
      literal({
        $facet: literal({
          a: [a, literal({ $sort: literal({ _id: one }) }), literal({ $limit: one })],
          b: [literal({ $match: value }), literal({ $count: 'n' })],
        }),
      }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom('$sum', '$avg', '$min', '$max', '$push', '$first', '$last'),
        fc.constantFrom('$n', '$i'),
        fc.constantFrom<unknown[]>(['unbounded', 'current'], [new Int32(-1), new Int32(1)], ['unbounded', 'unbounded']),
        fc.constantFrom<unknown>('$b', undefined),
      )
      .map(([name, value, documents, partitionBy]) =>
        literal({
          $setWindowFields: literal({
            ...(partitionBy === undefined ? {} : { partitionBy }),
            sortBy: literal({ _id: one }),
            output: literal({ w: literal({ [name]: value, window: literal({ documents }) }) }),
          }),
        }),
      ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('$rank', '$denseRank', '$documentNumber').map((name) =>
      literal({
        $setWindowFields: literal({
          sortBy: literal({ i: one }),
          output: literal({ w: literal({ [name]: doc([]) }) }),
        }),
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('locf', 'linear')
      .map((method) =>
        literal({ $fill: literal({ sortBy: literal({ _id: one }), output: literal({ i: literal({ method }) }) }) }),
      ),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(1, 2)
      .map((step) =>
        literal({ $densify: literal({ field: 'i', range: literal({ step: new Int32(step), bounds: 'full' }) }) }),
      ),
  },
  {
    weight: 1,
    arbitrary: fc.constant(
      literal({
        $graphLookup: literal({
          from: COLLECTION,
          startWith: '$i',
          connectFromField: 'i',
          connectToField: '_id',
          as: 'chain',
          maxDepth: new Int32(2),
          depthField: 'depth',
        }),
      }),
    ),
  },
)

export interface GeneratedPipeline {
  readonly pipeline: Doc[]
  /** The documents come in a defined order. */
  readonly ordered: boolean
}

/** Pipelines over the collection in the order of `_id`; what follows a stage without defined order is nothing. */
export const pipeline: fc.Arbitrary<GeneratedPipeline> = fc
  .tuple(fc.array(orderedStage, { maxLength: 2 }), fc.option(lastStage, { nil: undefined }))
  .map(([stages, last]) => ({
    pipeline: [literal({ $sort: literal({ _id: one }) }), ...stages, ...(last ? [last] : [])],
    ordered: last === undefined,
  }))
