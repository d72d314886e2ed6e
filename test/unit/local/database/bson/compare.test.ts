import { Binary, BSONRegExp, Code, Decimal128, Int32, MaxKey, MinKey, ObjectId, Timestamp } from 'bson'
import { describe, expect, it } from 'vitest'
import { compareValues, valuesIdentical } from '../../../../../local/database/bson/compare.ts'
import { hashKey } from '../../../../../local/database/bson/hash.ts'
import type { Value } from '../../../../../local/database/bson/value.ts'

const decimal = (text: string): Decimal128 => Decimal128.fromString(text)

/** Each group's members are equal; the groups are in ascending order. */
const ORDER: readonly (readonly Value[])[] = [
  [new MinKey()],
  [null],
  [Number.NaN, decimal('NaN')],
  [-Infinity, decimal('-Infinity')],
  [new Int32(-5), -5, -5n, decimal('-5.0')],
  [0, -0, new Int32(0), 0n, decimal('0E+3')],
  [decimal('0.1')],
  [0.1],
  [new Int32(1), 1, 1n, decimal('1.000')],
  [1.5, decimal('1.5')],
  [9007199254740992, 9007199254740992n],
  [9007199254740993n, decimal('9007199254740993')],
  [1e20, decimal('1E+20')],
  [decimal('1E+400')],
  [Infinity, decimal('Infinity')],
  [''],
  ['a'],
  ['a\u0000b'],
  ['b'],
  ['\uffff'],
  ['😀'],
  [new Map()],
  [new Map<string, Value>([['a', 1]]), new Map<string, Value>([['a', new Int32(1)]])],
  [new Map<string, Value>([['b', 1]])],
  [new Map<string, Value>([['a', 'x']])],
  [[]],
  [[1]],
  [[1, 2]],
  [[2]],
  [new Binary(new Uint8Array([9]), 0)],
  [new Binary(new Uint8Array([1]), 5)],
  [new Binary(new Uint8Array([1, 1]), 0)],
  [new ObjectId('000000000000000000000001')],
  [new ObjectId('000000000000000000000002')],
  [false],
  [true],
  [new Date(-1)],
  [new Date(1)],
  [new Timestamp({ t: 1, i: 2 })],
  [new Timestamp({ t: 4000000000, i: 1 })],
  [new BSONRegExp('a', '')],
  [new BSONRegExp('a', 'i')],
  [new Code('x')],
  [new MaxKey()],
]

const RANKED = ORDER.flatMap((group, rank) => group.map((value) => ({ value, rank })))

describe('BSON comparison', () => {
  it('orders all types as MongoDB does', () => {
    const wrong = RANKED.flatMap((a) =>
      RANKED.filter((b) => compareValues(a.value, b.value) !== Math.sign(a.rank - b.rank)).map((b) => [a, b]),
    )
    expect(wrong).toEqual([])
  })

  it('gives equal values, and only those, the same hash key', () => {
    const wrong = RANKED.flatMap((a) =>
      RANKED.filter((b) => (hashKey(a.value) === hashKey(b.value)) !== (a.rank === b.rank)).map((b) => [a, b]),
    )
    expect(wrong).toEqual([])
  })

  it('sorts a missing value before null', () => {
    expect([
      compareValues(undefined, null),
      compareValues(undefined, undefined),
      compareValues(null, undefined),
    ]).toEqual([-1, 0, 1])
  })

  it.each([
    [1, new Int32(1), false],
    [0, -0, false],
    [Number.NaN, Number.NaN, true],
    [decimal('1.0'), decimal('1.00'), false],
    [[new Map([['a', 1]])], [new Map([['a', 1]])], true],
    [
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
      new Map([
        ['b', 2],
        ['a', 1],
      ]),
      false,
    ],
  ] as [Value, Value, boolean][])('tells whether %s and %s are identical', (a, b, expected) => {
    expect(valuesIdentical(a, b)).toBe(expected)
  })
})
