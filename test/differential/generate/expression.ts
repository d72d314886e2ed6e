import { Int32 } from 'bson'
import fc from 'fast-check'
import { anyValue, type Doc, date, doc, literal, plainNumber, smallInt, word } from './value.ts'

/**
 * Aggregation expressions by the type of their result, so that most of them compute rather than fail; a share of
 * arguments is of any type, for the errors.
 */
type Expression = unknown

function operator(name: string, ...args: fc.Arbitrary<Expression>[]): fc.Arbitrary<Doc> {
  return fc.tuple(...args).map((values) => literal({ [name]: values }))
}

function unary(names: readonly string[], argument: fc.Arbitrary<Expression>): fc.Arbitrary<Doc> {
  return fc.tuple(fc.constantFrom(...names), argument).map(([name, value]) => literal({ [name]: value }))
}

function binary(names: readonly string[], left: fc.Arbitrary<Expression>, right = left): fc.Arbitrary<Doc> {
  return fc.tuple(fc.constantFrom(...names), left, right).map(([name, a, b]) => literal({ [name]: [a, b] }))
}

/** `$literal` keeps strings with a dollar and operator-like documents from being read as expressions. */
const anyLiteral = anyValue.map((value) => literal({ $literal: value }))
const field = fc.constantFrom(
  '$n',
  '$i',
  '$s',
  '$d',
  '$b',
  '$l',
  '$t',
  '$o',
  '$m',
  '$x',
  '$o.p',
  '$m.k',
  '$m.v',
  '$y',
  '$x.p',
  '$$ROOT.n',
)

const numberLeaf = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('$n', '$i', '$i', '$o.p') },
  { weight: 2, arbitrary: plainNumber },
)
const stringLeaf = fc.oneof(fc.constantFrom('$s', '$o.q'), word)
const dateLeaf = fc.oneof(fc.constant('$d'), date)
const arrayLeaf = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('$l', '$t', '$m', '$o.r', '$m.k') },
  { weight: 1, arbitrary: fc.array(plainNumber, { maxLength: 3 }) },
)
const unit = fc.constantFrom('year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second', 'millisecond')
const timezone = fc.constantFrom('UTC', '+02:30', 'Europe/Rome', 'America/New_York')

interface Expressions {
  number: fc.Arbitrary<Expression>
  string: fc.Arbitrary<Expression>
  boolean: fc.Arbitrary<Expression>
  date: fc.Arbitrary<Expression>
  array: fc.Arbitrary<Expression>
  any: fc.Arbitrary<Expression>
}

const leaves: Expressions = {
  number: numberLeaf,
  string: stringLeaf,
  boolean: fc.oneof(fc.constant('$b'), fc.boolean()),
  date: dateLeaf,
  array: arrayLeaf,
  any: fc.oneof({ weight: 3, arbitrary: field }, { weight: 1, arbitrary: anyLiteral }),
}

/** The name of a type keeps its case: DocumentDB 1.0 ends with a segmentation fault when that is to change. */
function withoutCaseOfType(conversion: Doc): Doc {
  const operand = conversion.get('$toLower') ?? conversion.get('$toUpper')
  return operand instanceof Map && operand.has('$type') ? doc(operand) : conversion
}

function grow(inner: Expressions): Expressions {
  const loose = (typed: fc.Arbitrary<Expression>) =>
    fc.oneof({ weight: 12, arbitrary: typed }, { weight: 1, arbitrary: inner.any })
  const n = loose(inner.number)
  const s = loose(inner.string)
  const d = loose(inner.date)
  const a = loose(inner.array)
  const x = fc.oneof(inner.any, inner.number, inner.string, inner.array)

  const element = fc.oneof(
    fc.constant<Expression>('$$this'),
    n.map((value) => literal({ $eq: ['$$this', value] })),
    fc.constant<Expression>(literal({ $type: '$$this' })),
  )
  const number = fc.oneof(
    binary(['$add', '$multiply', '$subtract', '$divide', '$mod'], n),
    unary(['$abs', '$ceil', '$floor', '$trunc', '$sqrt', '$exp', '$ln', '$log10', '$bitNot'], n),
    binary(['$pow', '$log', '$atan2'], n, fc.oneof(smallInt, n)),
    binary(
      ['$round', '$trunc'],
      n,
      fc.constantFrom(0, 1, 2, -1).map((places) => new Int32(places)),
    ),
    unary(['$toInt', '$toLong', '$toDouble', '$toDecimal'], fc.oneof(n, s, d)),
    unary(['$size'], a),
    unary(['$sum', '$avg', '$max', '$min', '$stdDevPop'], fc.oneof(a, fc.array(n, { maxLength: 3 }))),
    unary(['$strLenCP', '$strLenBytes'], s),
    binary(['$indexOfCP', '$indexOfBytes'], s),
    binary(['$indexOfArray'], a, fc.oneof(n, s)),
    binary(['$cmp', '$strcasecmp'], s),
    binary(['$cmp'], x),
    unary(
      [
        '$year',
        '$month',
        '$dayOfMonth',
        '$dayOfYear',
        '$dayOfWeek',
        '$hour',
        '$minute',
        '$second',
        '$millisecond',
        '$week',
        '$isoWeek',
        '$isoWeekYear',
        '$isoDayOfWeek',
      ],
      d,
    ),
    fc
      .tuple(d, timezone, fc.constantFrom('$hour', '$dayOfMonth', '$week'))
      .map(([value, zone, name]) => literal({ [name]: literal({ date: value, timezone: zone }) })),
    fc
      .tuple(d, d, unit)
      .map(([startDate, endDate, by]) => literal({ $dateDiff: literal({ startDate, endDate, unit: by }) })),
    binary(['$bitAnd', '$bitOr', '$bitXor'], fc.oneof(smallInt, fc.constant('$i'))),
    fc.tuple(a, fc.constantFrom('$add', '$max')).map(([input, name]) =>
      literal({
        $reduce: literal({ input, initialValue: new Int32(0), in: literal({ [name]: ['$$value', '$$this'] }) }),
      }),
    ),
  )
  const text = fc.oneof(
    fc.array(s, { minLength: 1, maxLength: 3 }).map((parts) => literal({ $concat: parts })),
    unary(['$toLower', '$toUpper', '$toString', '$type'], fc.oneof(s, n, d)).map(withoutCaseOfType),
    unary(['$type'], x),
    operator('$substrCP', s, smallInt, smallInt),
    operator('$substrBytes', word, smallInt, smallInt),
    fc
      .tuple(s, fc.constantFrom('$trim', '$ltrim', '$rtrim'))
      .map(([input, name]) => literal({ [name]: literal({ input }) })),
    fc
      .tuple(s, word, word, fc.constantFrom('$replaceOne', '$replaceAll'))
      .map(([input, find, replacement, name]) => literal({ [name]: literal({ input, find, replacement }) })),
    fc
      .tuple(d, fc.constantFrom('%Y-%m-%dT%H:%M:%S.%LZ', '%j %u %V %G', '%Y/%m'), timezone)
      .map(([value, format, zone]) => literal({ $dateToString: literal({ date: value, format, timezone: zone }) })),
  )
  const boolean = fc.oneof(
    binary(['$eq', '$ne', '$gt', '$gte', '$lt', '$lte'], x),
    binary(['$eq', '$gt', '$lte'], n),
    fc.array(x, { maxLength: 2 }).map((parts) => literal({ $and: parts })),
    fc.array(x, { maxLength: 2 }).map((parts) => literal({ $or: parts })),
    x.map((value) => literal({ $not: [value] })),
    fc.tuple(n, a).map(([value, list]) => literal({ $in: [value, list] })),
    unary(
      ['$isNumber', '$isArray'],
      x.map((value) => [value]),
    ),
    unary(['$toBool'], x),
    unary(
      ['$allElementsTrue', '$anyElementTrue'],
      a.map((list) => [list]),
    ),
    binary(['$setEquals', '$setIsSubset'], a),
    fc
      .tuple(s, fc.constantFrom('a', '^b', '[0-9]+'), fc.constantFrom('', 'i'))
      .map(([input, regex, options]) => literal({ $regexMatch: literal({ input, regex, options }) })),
  )
  const moment = fc.oneof(
    fc
      .tuple(d, unit, smallInt, fc.constantFrom('$dateAdd', '$dateSubtract'))
      .map(([startDate, by, amount, name]) => literal({ [name]: literal({ startDate, unit: by, amount }) })),
    fc.tuple(d, unit).map(([value, by]) => literal({ $dateTrunc: literal({ date: value, unit: by }) })),
    binary(['$add'], d, smallInt),
    unary(['$toDate'], fc.oneof(d, fc.constantFrom('2020-01-01', '2020-01-01T10:00:00Z', 'nonsense'))),
    fc
      .tuple(fc.constantFrom(2020, 2021), fc.constantFrom(1, 2, 12, 14), fc.constantFrom(1, 29, 31))
      .map(([year, month, day]) =>
        literal({ $dateFromParts: literal({ year: new Int32(year), month: new Int32(month), day: new Int32(day) }) }),
      ),
    fc
      .constantFrom('2020-02-29', '2021-13-01', '2020-01-01T01:02:03Z')
      .map((dateString) => literal({ $dateFromString: literal({ dateString, onError: null }) })),
  )
  const array = fc.oneof(
    fc.tuple(a, element).map(([input, body]) => literal({ $map: literal({ input, in: body }) })),
    fc
      .tuple(a, n)
      .map(([input, bound]) => literal({ $filter: literal({ input, cond: literal({ $gt: ['$$this', bound] }) }) })),
    fc.array(a, { maxLength: 2 }).map((parts) => literal({ $concatArrays: parts })),
    unary(['$reverseArray'], a),
    operator(
      '$slice',
      a,
      fc.constantFrom(1, 2, -1).map((count) => new Int32(count)),
    ),
    operator(
      '$slice',
      a,
      fc.constantFrom(0, 1, -2).map((skip) => new Int32(skip)),
      fc.constantFrom(1, 2).map((count) => new Int32(count)),
    ),
    fc
      .tuple(a, fc.constantFrom(1, -1))
      .map(([input, sortBy]) => literal({ $sortArray: literal({ input, sortBy: new Int32(sortBy) }) })),
    binary(['$split'], s, word),
    operator('$range', smallInt, fc.oneof(smallInt, fc.constant('$i'))),
    unary(['$objectToArray'], fc.constantFrom('$o', '$x', '$$ROOT')),
    fc.tuple(a, a).map((inputs) => literal({ $zip: literal({ inputs }) })),
    fc
      .tuple(binary(['$setUnion', '$setIntersection', '$setDifference'], a))
      .map(([set]) => literal({ $sortArray: literal({ input: set, sortBy: new Int32(1) }) })),
    fc.tuple(a, smallInt).map(([input, count]) => literal({ $firstN: literal({ input, n: count }) })),
    fc
      .tuple(a, fc.constantFrom('$maxN', '$minN'))
      .map(([input, name]) => literal({ [name]: literal({ input, n: new Int32(2) }) })),
    fc
      .tuple(s, fc.constantFrom('a', '(b)(c)?'))
      .map(([input, regex]) => literal({ $regexFindAll: literal({ input, regex }) })),
  )
  const any = fc.oneof(
    { withCrossShrink: true },
    { weight: 4, arbitrary: field },
    { weight: 1, arbitrary: anyLiteral },
    { weight: 1, arbitrary: fc.tuple(boolean, x, x).map((parts) => literal({ $cond: parts })) },
    { weight: 1, arbitrary: binary(['$ifNull'], x) },
    {
      weight: 1,
      arbitrary: operator(
        '$arrayElemAt',
        a,
        fc.constantFrom(0, 1, -1, 9).map((at) => new Int32(at)),
      ),
    },
    { weight: 1, arbitrary: unary(['$first', '$last', '$max', '$min'], a) },
    {
      weight: 1,
      arbitrary: fc.tuple(boolean, x, x).map(([test, yes, otherwise]) =>
        literal({
          $switch: literal({
            branches: [
              doc([
                ['case', test],
                ['then', yes],
              ]),
            ],
            default: otherwise,
          }),
        }),
      ),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(x, fc.constantFrom('int', 'long', 'double', 'decimal', 'string', 'bool', 'date', 'objectId'))
        .map(([input, to]) => literal({ $convert: literal({ input, to, onError: 'error', onNull: null }) })),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(x, n)
        .map(([value, other]) =>
          literal({ $let: literal({ vars: literal({ v: value }), in: literal({ $ifNull: ['$$v', other] }) }) }),
        ),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom('$o', '$x'), word)
        .map(([input, name]) => literal({ $getField: literal({ field: name, input }) })),
    },
    { weight: 1, arbitrary: fc.tuple(x).map(([value]) => literal({ $mergeObjects: ['$o', literal({ z: value })] })) },
    { weight: 1, arbitrary: fc.tuple(word, x).map(([k, v]) => literal({ $arrayToObject: [[literal({ k, v })]] })) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom('$o'), x)
        .map(([input, value]) => literal({ $setField: literal({ field: 'z', input, value }) })),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(s, fc.constantFrom('a', '(b)(c)?'))
        .map(([input, regex]) => literal({ $regexFind: literal({ input, regex }) })),
    },
  )
  return {
    number: fc.oneof(
      { withCrossShrink: true },
      { weight: 1, arbitrary: inner.number },
      { weight: 3, arbitrary: number },
    ),
    string: fc.oneof({ withCrossShrink: true }, { weight: 1, arbitrary: inner.string }, { weight: 3, arbitrary: text }),
    boolean: fc.oneof(
      { withCrossShrink: true },
      { weight: 1, arbitrary: inner.boolean },
      { weight: 3, arbitrary: boolean },
    ),
    date: fc.oneof({ withCrossShrink: true }, { weight: 1, arbitrary: inner.date }, { weight: 3, arbitrary: moment }),
    array: fc.oneof({ withCrossShrink: true }, { weight: 1, arbitrary: inner.array }, { weight: 3, arbitrary: array }),
    any,
  }
}

const expressions = grow(grow(leaves))

export const numberExpression = expressions.number
export const condition = expressions.boolean
export const arrayExpression = expressions.array
/** An expression of any type. */
export const expression: fc.Arbitrary<Expression> = fc.oneof(
  expressions.number,
  expressions.string,
  expressions.boolean,
  expressions.date,
  expressions.array,
  expressions.any,
)
