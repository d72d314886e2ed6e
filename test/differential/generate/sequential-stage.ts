import { Int32 } from 'bson'
import fc from 'fast-check'
import { byWeight } from './by-weight.ts'
import { type Doc, doc, literal, plainNumber } from './value.ts'

const one = new Int32(1)
const input = fc.constantFrom('$n', '$i')
const partitionBy = fc.constantFrom<unknown>('$b', '$s', undefined)
/** By `_id`, which documents have once, so that no two change places. */
const sortBy = literal({ _id: one })

function windowFields(partition: unknown, sort: Doc, w: Doc): Doc {
  return literal({
    $setWindowFields: literal({
      ...(partition === undefined ? {} : { partitionBy: partition }),
      sortBy: sort,
      output: literal({ w }),
    }),
  })
}

const bounds = fc.constantFrom<unknown[]>(
  ['unbounded', 'current'],
  [new Int32(-1), new Int32(1)],
  ['unbounded', 'unbounded'],
  ['current', 'unbounded'],
  [new Int32(-2), new Int32(-1)],
  [one, new Int32(2)],
)

const accumulated = fc
  .tuple(
    fc.oneof(
      fc
        .tuple(fc.constantFrom('$sum', '$avg', '$min', '$max', '$push', '$first', '$last', '$stdDevPop'), input)
        .map(([name, value]) => [name, value] as const),
      fc
        .tuple(fc.constantFrom('$firstN', '$lastN', '$minN', '$maxN'), input)
        .map(([name, value]) => [name, literal({ input: value, n: new Int32(2) })] as const),
      fc.constant(['$count', doc([])] as const),
    ),
    bounds,
    partitionBy,
  )
  .map(([[name, value], documents, partition]) =>
    windowFields(partition, sortBy, literal({ [name]: value, window: literal({ documents }) })),
  )

const inRange = fc
  .tuple(
    fc.constantFrom('$sum', '$min', '$max', '$count'),
    fc.constantFrom<unknown[]>([new Int32(-1), one], ['unbounded', 'current'], ['current', one]),
    partitionBy,
  )
  .map(([name, range, partition]) =>
    windowFields(
      partition,
      sortBy,
      literal({ [name]: name === '$count' ? doc([]) : '$i', window: literal({ range }) }),
    ),
  )

const ranked = fc
  .constantFrom<readonly [string, Doc]>(
    ['$rank', literal({ i: one })],
    ['$denseRank', literal({ i: one })],
    ['$documentNumber', sortBy],
  )
  .map(([name, sort]) => windowFields(undefined, sort, literal({ [name]: doc([]) })))

const shifted = fc
  .tuple(input, fc.constantFrom(1, -1, 2), partitionBy)
  .map(([output, by, partition]) =>
    windowFields(partition, sortBy, literal({ $shift: literal({ output, by: new Int32(by), default: 'none' }) })),
  )

const carried = fc
  .tuple(fc.constantFrom('$locf', '$linearFill'), partitionBy)
  .map(([name, partition]) => windowFields(partition, sortBy, literal({ [name]: '$i' })))

const fill = fc
  .tuple(
    fc.oneof(
      fc.constantFrom('locf', 'linear').map((method) => literal({ method })),
      plainNumber.map((value) => literal({ value })),
    ),
    fc.constantFrom('i', 'o'),
    fc.constantFrom<readonly string[] | undefined>(['b'], undefined),
  )
  .map(([how, field, partitionByFields]) =>
    literal({
      $fill: literal({
        ...(partitionByFields === undefined ? {} : { partitionByFields }),
        sortBy,
        output: literal({ [how.has('method') ? 'i' : field]: how }),
      }),
    }),
  )

/** Stages that go through the documents in the order of `_id`, which must therefore be there once. */
export const sequentialStage: fc.Arbitrary<Doc> = byWeight({
  1: [inRange, ranked, shifted, carried],
  2: [fill],
  4: [accumulated],
})
