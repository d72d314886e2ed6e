import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareValues } from '../../../../../local/database/bson/compare.ts'
import {
  Binary,
  BSONRegExp,
  Decimal128,
  int,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  type Value,
} from '../../../../../local/database/bson/value.ts'
import { compoundKeyString, invertedKey, keyString } from '../../../../../local/database/storage/key-string.ts'

const numbers: fc.Arbitrary<Value> = fc.oneof(
  fc.integer().map(int),
  fc.double(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc
    .constantFrom('0', '-0', '0.1', '1E+400', '1E-400', '-1E+400', 'Infinity', '-Infinity', 'NaN')
    .map(Decimal128.fromString),
  fc
    .tuple(fc.bigInt({ min: -(10n ** 33n), max: 10n ** 33n }), fc.integer({ min: -40, max: 20 }))
    .map(([digits, exponent]) => Decimal128.fromString(`${digits}E${exponent}`)),
  fc.constantFrom<Value>(0.1, 0.5, 2 ** 53, 9007199254740993n, 5e-324, Number.MAX_VALUE, -0),
)
const scalars: fc.Arbitrary<Value> = fc.oneof(
  numbers,
  fc.string(),
  fc.constantFrom<Value>('', '\0', 'a\0', 'a', 'a\0b', 'é', '\u{1F600}', '\uFFFD'),
  fc.boolean(),
  fc.constant(null),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => new ObjectId(bytes)),
  fc.tuple(fc.uint8Array({ maxLength: 4 }), fc.constantFrom(0, 4, 128)).map(([bytes, type]) => new Binary(bytes, type)),
  fc.tuple(fc.nat(), fc.nat()).map(([t, i]) => new Timestamp({ t, i })),
  fc.constantFrom<Value>(new MinKey(), new MaxKey(), new BSONRegExp('a', 'i'), new BSONRegExp('a', '')),
)
const { value: values } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    scalars,
    fc.array(tie('value'), { maxLength: 3 }),
    fc
      .array(fc.tuple(fc.constantFrom('a', 'b', 'a\u00e9'), tie('value')), { maxLength: 3 })
      .map((entries) => new Map(entries)),
  ),
}))

const sign = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

describe('key strings', () => {
  it('compare as the values do, across all types', () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        expect(sign(keyString(a), keyString(b))).toBe(Math.sign(compareValues(a, b)) || 0)
      }),
      { numRuns: 2000 },
    )
  })

  it('compare numbers of every type exactly', () => {
    fc.assert(
      fc.property(numbers, numbers, (a, b) => {
        expect(sign(keyString(a), keyString(b))).toBe(Math.sign(compareValues(a, b)) || 0)
      }),
      { numRuns: 3000 },
    )
  })

  it('sort the other way round in a descending field, whatever follows', () => {
    fc.assert(
      fc.property(values, values, values, values, (a, b, c, d) => {
        const left = compoundKeyString([a, c], [true, false])
        const right = compoundKeyString([b, d], [true, false])
        expect(sign(left, right)).toBe(-Math.sign(compareValues(a, b)) || Math.sign(compareValues(c, d)) || 0)
        expect(compoundKeyString([a], [true])).toBe(invertedKey(keyString(a)))
      }),
      { numRuns: 1000 },
    )
  })
})
