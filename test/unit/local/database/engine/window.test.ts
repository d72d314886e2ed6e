import { describe, expect, it } from 'vitest'
import { aggregate, outcome, show } from '../support.ts'

const DOCUMENTS = Array.from({ length: 6 }, (_, index) => ({
  _id: index,
  a: index,
  date: new Date(index * 1000),
  partition: index % 2,
  sequence: Math.floor(index / 2),
}))

/** A window function, and the least it asks for beyond what its window does. */
const FUNCTIONS: Readonly<Record<string, object>> = {
  sum: { $sum: '$a' },
  avg: { $avg: '$a' },
  stdDevSamp: { $stdDevSamp: '$a' },
  stdDevPop: { $stdDevPop: '$a' },
  min: { $min: '$a' },
  max: { $max: '$a' },
  count: { $count: {} },
  derivative: { $derivative: { input: '$a' } },
  integral: { $integral: { input: '$a' } },
  covariancePop: { $covariancePop: ['$a', '$date'] },
  covarianceSamp: { $covarianceSamp: ['$a', '$date'] },
  expMovingAvg: { $expMovingAvg: { input: '$a', N: 3 } },
  push: { $push: '$a' },
  addToSet: { $addToSet: '$a' },
  first: { $first: '$a' },
  last: { $last: '$a' },
  shift: { $shift: { output: '$a', by: 1, default: 0 } },
  documentNumber: { $documentNumber: {} },
  rank: { $rank: {} },
  denseRank: { $denseRank: {} },
}
const WINDOWS: Readonly<Record<string, object | undefined>> = {
  none: undefined,
  'documents so far': { documents: ['unbounded', 'current'] },
  'documents around': { documents: [-1, 1] },
  'a whole range': { range: ['unbounded', 'unbounded'] },
  'a range around': { range: [-2, 2] },
}
const SORTS: Readonly<Record<string, object | undefined>> = {
  nothing: undefined,
  'one field': { sequence: 1 },
  'two fields': { sequence: 1, partition: 1 },
}

/**
 * The code with which MongoDB refuses the combination, 0 when it does not.
 *
 * @see jstests/aggregation/sources/setWindowFields of mongodb/mongo, the matrix of functions, windows and sorts
 */
function expectedCode(name: string, window: string, sort: string): number {
  if (name === 'derivative' && (sort !== 'one field' || window === 'none')) return 9
  if (name === 'integral' && sort !== 'one field') return 9
  if (name === 'expMovingAvg' && (window !== 'none' || sort === 'nothing')) return 9
  if (name === 'shift' && (window !== 'none' || sort === 'nothing')) return 9
  if (['documentNumber', 'rank', 'denseRank'].includes(name)) {
    if (window !== 'none') return 5371601
    if (sort !== 'one field') return 5371602
  }
  if (window.startsWith('documents') && sort === 'nothing') return 5339901
  if (window.includes('range') && sort !== 'one field') return 5339902
  return 0
}

const CASES = Object.keys(FUNCTIONS).flatMap((name) =>
  Object.keys(WINDOWS).flatMap((window) =>
    Object.keys(SORTS).map((sort): [name: string, window: string, sort: string] => [name, window, sort]),
  ),
)

describe('window functions', () => {
  it.each(CASES)('takes or refuses %s over %s sorted by %s as MongoDB does', (name, window, sort) => {
    const bounds = WINDOWS[window]
    const sortBy = SORTS[sort]
    const stage = {
      $setWindowFields: {
        ...(sortBy === undefined ? {} : { sortBy }),
        output: { x: { ...FUNCTIONS[name], ...(bounds === undefined ? {} : { window: bounds }) } },
      },
    }
    const answer = outcome(() => aggregate(DOCUMENTS, [stage]).map(show).join())
    expect(Number(/^(\d+) /.exec(answer)?.[1] ?? 0)).toBe(expectedCode(name, window, sort))
  })
})
