import {
  Binary,
  BSONRegExp,
  Code,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  UUID,
} from 'bson'
import fc from 'fast-check'

/**
 * Values come from small pools, so that filters hit, indexes collide and groups have members. Documents are Maps: their
 * order of keys survives whatever the keys are.
 */
export type Doc = Map<string, unknown>

export function doc(entries: Iterable<readonly [string, unknown]>): Doc {
  return new Map(entries)
}

/** A document from a literal, in the order written. */
export function literal(fields: Readonly<Record<string, unknown>>): Doc {
  return new Map(Object.entries(fields))
}

const int32 = fc.constantFrom(0, 1, 2, 3, -1, 5, 7, 10, 100, 2147483647, -2147483648).map((n) => new Int32(n))
const smallInt32 = fc.constantFrom(0, 1, 2, 3, -1, 5).map((n) => new Int32(n))
const int64 = fc
  .constantFrom(
    '0',
    '1',
    '2',
    '5',
    '-3',
    '2147483648',
    '9007199254740993',
    '9223372036854775807',
    '-9223372036854775808',
  )
  .map((text) => Long.fromString(text))
const double = fc
  .constantFrom(0, -0, 1, 2, 5, 0.5, 1.5, -2.25, 0.1, 1e10, 1e300, Number.NaN, Infinity, -Infinity)
  .map((n) => new Double(n))
const plainDouble = fc.constantFrom(0, 1, 2, 5, 0.5, 1.5, -2.25).map((n) => new Double(n))
const decimal = fc
  .constantFrom('0', '1', '1.0', '2', '5.00', '0.1', '-2.25', '1E+3', '12345678901234567890.5', 'NaN', 'Infinity', '-0')
  .map((text) => Decimal128.fromString(text))
const plainDecimal = fc.constantFrom('1', '2', '1.5', '0.1', '-2.25').map((text) => Decimal128.fromString(text))

/** Numbers of all four types, the awkward ones too. */
export const number = fc.oneof(
  { weight: 5, arbitrary: smallInt32 },
  { weight: 2, arbitrary: int32 },
  { weight: 2, arbitrary: int64 },
  { weight: 3, arbitrary: double },
  { weight: 2, arbitrary: decimal },
)

/** Numbers of all four types that any arithmetic takes. */
export const plainNumber = fc.oneof(
  { weight: 4, arbitrary: smallInt32 },
  { weight: 1, arbitrary: fc.constantFrom(1, 2, 5).map((n) => Long.fromNumber(n)) },
  { weight: 2, arbitrary: plainDouble },
  { weight: 1, arbitrary: plainDecimal },
)

export const smallInt = fc.constantFrom(0, 1, 2, 3).map((n) => new Int32(n))
export const string = fc.constantFrom('', 'a', 'b', 'ab', 'abc', 'B', 'b a', 'é', '日本', 'x.y', '10', '2')
export const word = fc.constantFrom('a', 'b', 'ab', 'abc', 'B', 'b a')
export const date = fc
  .constantFrom(
    '1970-01-01T00:00:00.000Z',
    '2020-02-29T12:30:15.123Z',
    '2021-01-03T23:59:59.999Z',
    '1969-12-31T00:00:00.000Z',
  )
  .map((text) => new Date(text))
/** Every object id of a scenario begins so; one that does not came from a server. */
export const OBJECT_ID_PREFIX = 'aaaaaaaa'
export const objectId = fc
  .constantFrom('0000000000000001', '0000000000000002')
  .map((text) => new ObjectId(OBJECT_ID_PREFIX + text))
const binary = fc.oneof(
  fc.constantFrom('', 'ab', 'abc').map((text) => new Binary(Buffer.from(text))),
  fc.constant(new UUID('00112233-4455-4677-8899-aabbccddeeff')),
  fc.constant(new Binary(Buffer.from('ab'), 128)),
)
const regex = fc.constantFrom(['a', ''], ['^b', 'i'], ['c$', 'm']).map(([p = '', o]) => new BSONRegExp(p, o))
const timestamp = fc.constantFrom(1, 2).map((t) => new Timestamp({ t, i: 1 }))

export const scalar: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: number },
  { weight: 4, arbitrary: string },
  { weight: 2, arbitrary: fc.boolean() },
  { weight: 2, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: date },
  { weight: 1, arbitrary: objectId },
  { weight: 1, arbitrary: binary },
  { weight: 1, arbitrary: timestamp },
  { weight: 1, arbitrary: fc.constantFrom(new MinKey(), new MaxKey()) },
)

/** What may be stored, but means something else in a filter or an expression. */
const storedOnly = fc.oneof(regex, fc.constant(new Code('f()')))

const key = fc.constantFrom('p', 'q', 'r', 'k', 'v', '0')

const nested: fc.Memo<unknown> = fc.memo((depth) =>
  depth <= 1
    ? scalar
    : fc.oneof(
        { weight: 4, arbitrary: scalar },
        { weight: 1, arbitrary: fc.array(nested(depth - 1), { maxLength: 3 }) },
        { weight: 1, arbitrary: document(nested(depth - 1)) },
      ),
)

function document(value: fc.Arbitrary<unknown>): fc.Arbitrary<Doc> {
  return fc.uniqueArray(fc.tuple(key, value), { maxLength: 3, selector: ([name]) => name }).map(doc)
}

/** Any value, nested up to three levels. */
export const anyValue: fc.Arbitrary<unknown> = nested(3)

const storedValue = fc.oneof({ weight: 9, arbitrary: anyValue }, { weight: 1, arbitrary: storedOnly })

const subDocument = fc
  .record({ p: number, q: string, r: fc.array(plainNumber, { maxLength: 3 }) }, { requiredKeys: [] })
  .map(literal)
const item = fc.record({ k: smallInt, v: number }, { requiredKeys: ['k'] }).map(literal)

/**
 * A document to store: fields of one kind each (so that operators find what they work on), any of which may be missing,
 * and `x`, which holds anything.
 */
export const storedFields: fc.Arbitrary<Doc> = fc
  .record(
    {
      n: fc.oneof({ weight: 9, arbitrary: number }, { weight: 1, arbitrary: fc.constant(null) }),
      i: smallInt,
      s: string,
      d: date,
      b: fc.boolean(),
      l: fc.array(number, { maxLength: 4 }),
      t: fc.array(word, { maxLength: 3 }),
      o: subDocument,
      m: fc.array(item, { maxLength: 3 }),
      x: storedValue,
    },
    { requiredKeys: [] },
  )
  .map(literal)

/** Documents with the `_id`s 1, 2, 3... */
export const storedDocuments: fc.Arbitrary<Doc[]> = fc
  .array(storedFields, { maxLength: 5 })
  .map((documents) => documents.map((fields, index) => doc([['_id', new Int32(index + 1)], ...fields])))
