import { BSONRegExp, Int32 } from 'bson'
import fc from 'fast-check'
import { condition } from './expression.ts'
import { anyValue, type Doc, doc, literal, number, scalar, smallInt, string } from './value.ts'

/** Paths into stored documents: top level, nested, through arrays and by position. */
export const path = fc.constantFrom(
  'n',
  'i',
  's',
  'd',
  'b',
  'l',
  't',
  'o',
  'm',
  'x',
  'o.p',
  'o.q',
  'o.r',
  'm.k',
  'm.v',
  'l.0',
  'x.p',
  'x.0',
  'm.0.k',
  'y',
)

const comparisonOperator = fc.constantFrom('$eq', '$ne', '$gt', '$gte', '$lt', '$lte')
const typeName = fc.constantFrom(
  'double',
  'string',
  'object',
  'array',
  'bool',
  'date',
  'null',
  'int',
  'long',
  'decimal',
  'number',
  'objectId',
  'binData',
  'regex',
  'timestamp',
  'minKey',
)
const pattern = fc.constantFrom('a', '^a', 'b$', '.', 'AB', '[0-9]')
const operand = fc.oneof(
  { weight: 3, arbitrary: number },
  { weight: 2, arbitrary: string },
  { weight: 3, arbitrary: anyValue },
)

const elementCondition = fc.oneof(
  fc.tuple(comparisonOperator, number).map(([operator, value]) => literal({ [operator]: value })),
  fc.tuple(fc.constantFrom('k', 'v'), number).map(([key, value]) => literal({ [key]: literal({ $gte: value }) })),
)

const single: fc.Arbitrary<readonly [string, unknown]> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(comparisonOperator, operand) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom('$in', '$nin'), fc.array(operand, { maxLength: 3 })) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('$exists'), fc.boolean()) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constant('$type'), fc.oneof(typeName, fc.array(typeName, { minLength: 1, maxLength: 2 }))),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constant('$size'), smallInt) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('$all'), fc.array(scalar, { maxLength: 2 })) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('$elemMatch'), elementCondition) },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constant('$mod'),
      fc.constantFrom([2, 0], [3, 1], [2, 1]).map(([d = 2, r = 0]) => [new Int32(d), new Int32(r)]),
    ),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constant('$regex'), pattern) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom('$bitsAllSet', '$bitsAnySet', '$bitsAllClear', '$bitsAnyClear'), smallInt),
  },
)

const fieldCondition: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: operand },
  { weight: 6, arbitrary: single.map((entry) => doc([entry])) },
  { weight: 1, arbitrary: fc.uniqueArray(single, { minLength: 2, maxLength: 2, selector: ([name]) => name }).map(doc) },
  { weight: 1, arbitrary: single.map((entry) => literal({ $not: doc([entry]) })) },
  {
    weight: 1,
    arbitrary: fc.tuple(pattern, fc.constantFrom('', 'i')).map(([source, flags]) => new BSONRegExp(source, flags)),
  },
)

const fieldFilter = fc.tuple(path, fieldCondition).map((entry) => doc([entry]))

/** Filters over stored documents, with logical operators and `$expr`. */
export const filter: fc.Arbitrary<Doc> = fc.oneof(
  { withCrossShrink: true },
  { weight: 1, arbitrary: fc.constant(doc([])) },
  { weight: 2, arbitrary: smallInt.map((id) => literal({ _id: id })) },
  { weight: 6, arbitrary: fieldFilter },
  {
    weight: 1,
    arbitrary: fc.uniqueArray(fc.tuple(path, fieldCondition), { maxLength: 2, selector: ([name]) => name }).map(doc),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('$and', '$or', '$nor'), fc.array(fieldFilter, { minLength: 1, maxLength: 2 }))
      .map(([operator, list]) => literal({ [operator]: list })),
  },
  { weight: 1, arbitrary: condition.map((expression) => literal({ $expr: expression })) },
)
