import {
  Binary,
  BSONRegExp,
  Decimal128,
  type Document,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
} from 'bson'
import fc from 'fast-check'

const text = fc.string({ unit: 'grapheme', maxLength: 12 }).map((value) => value.toWellFormed())
const key = fc.oneof(
  { weight: 6, arbitrary: fc.string({ minLength: 1, maxLength: 6 }).filter((k) => !/^\d|\0|^\$|^_bsontype$/.test(k)) },
  { weight: 1, arbitrary: fc.constantFrom('__proto__', 'constructor', 'é"\\', 'a.b') },
)

const scalar = fc.oneof(
  text,
  fc.boolean(),
  fc.constant(null),
  fc.integer().map((value) => new Int32(value)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => Long.fromBigInt(value)),
  fc.double().map((value) => new Double(value)),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => new ObjectId(bytes)),
  fc
    .tuple(fc.uint8Array({ maxLength: 20 }), fc.constantFrom(0, 5, 128))
    .map(([bytes, type]) => new Binary(bytes, type)),
  fc.tuple(fc.constantFrom('^a', '"\\d+"', 'é'), fc.constantFrom('', 'i', 'im')).map(([p, o]) => new BSONRegExp(p, o)),
  fc.tuple(fc.nat(), fc.nat()).map(([t, i]) => new Timestamp({ t, i })),
  fc.constantFrom('1.10', '-0.001', '9823.1297', '1E+400', 'NaN').map((value) => Decimal128.fromString(value)),
  fc.constantFrom(new MinKey(), new MaxKey()),
)

const { document } = fc.letrec<{ document: Document; value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    tie('document'),
  ),
  document: fc.uniqueArray(fc.tuple(key, tie('value')), { maxLength: 6, selector: ([name]) => name }).map((entries) => {
    const built: Document = {}
    for (const [name, value] of entries) {
      Object.defineProperty(built, name, { value, enumerable: true, writable: true, configurable: true })
    }
    return built
  }),
}))

/** Documents of every BSON type, nested, with awkward keys; every key order is one a JS object keeps. */
export const arbitraryDocument = document
