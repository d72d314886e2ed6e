import { Decimal128, ObjectId, Timestamp } from 'bson'
import { describe, expect, it } from 'vitest'
import { type Doc, toDoc, toValue } from '../../../../../local/database/bson/value.ts'
import { evaluateExpression } from '../../../../../local/database/engine/expression/compile.ts'
import { compileFilter } from '../../../../../local/database/engine/match/filter.ts'
import { createEnv, outcome, show, shown } from '../support.ts'

const decimal = (text: string): Decimal128 => Decimal128.fromString(text)
const LONG_MAX = 9223372036854775807n
const at = new Date('2024-02-29T12:34:56.789Z')
const DOC: Doc = toDoc({
  n: 5,
  s: 'Hello Wörld',
  a: [1, 2, 3, 2],
  o: { x: 1, y: [{ z: 1 }, { z: 2 }, 3] },
  d: at,
  nil: null,
})
const env = createEnv()

function evaluated(expression: unknown): string {
  return outcome(() => show(evaluateExpression(toValue(expression), DOC, env)))
}

type Case = readonly [unknown, unknown]

function double(value: number): Map<string, number> {
  return new Map([['d', value]])
}

function check(name: string, cases: readonly Case[]): void {
  it.each(cases.map(([expression, expected]) => [shown(expression), expression, expected] as const))(
    `${name}: %s`,
    (_shown, expression, expected) => {
      const wanted =
        expected instanceof Map
          ? show(expected.get('d'))
          : expected instanceof Error
            ? expected.message
            : shown(expected)
      expect(evaluated(expression)).toBe(wanted)
    },
  )
}

const refused = (text: string): Error => new Error(text)

describe('expressions', () => {
  check('numbers keep and promote their types', [
    [{ $add: [1, 2] }, 3],
    [{ $add: [2147483647, 1] }, 2147483648n],
    [{ $add: [1, 2n] }, 3n],
    [{ $add: [LONG_MAX, 1] }, double(2 ** 63)],
    [{ $add: [1, 1.5] }, 2.5],
    [{ $add: [decimal('1.50'), 1] }, decimal('2.50')],
    [{ $add: [decimal('1'), 0.1] }, decimal('1.100000000000000')],
    [{ $add: ['$d', 1000] }, new Date(at.getTime() + 1000)],
    [{ $subtract: ['$d', new Date(at.getTime() - 5)] }, 5n],
    [{ $multiply: [decimal('1.50'), 2] }, decimal('3.00')],
    [{ $divide: [6, 3] }, double(2)],
    [{ $divide: [decimal('10'), 4] }, decimal('2.5')],
    [{ $mod: [-7, 3] }, -1],
    [{ $mod: [5.5, 2] }, 1.5],
    // The larger of the two types since 7.2.
    [{ $type: [{ $mod: [7, { $toDouble: 2 }] }] }, 'double'],
    [{ $type: [{ $mod: [7, 2n] }] }, 'long'],
    [{ $add: [1, null] }, null],
    [{ $add: ['x'] }, refused('14 $add only supports numeric or date types, not string')],
    [{ $divide: [1, 0] }, refused("2 can't $divide by zero")],
    [{ $mod: [1, 0] }, refused("16610 can't $mod by zero")],
    [{ $round: [2.5] }, double(2)],
    [{ $round: [2.345, 2] }, 2.34],
    [{ $round: [decimal('2.345'), 2] }, decimal('2.34')],
    [{ $round: [1250, -2] }, 1200],
    [{ $trunc: [decimal('-2.39'), 1] }, decimal('-2.3')],
    [{ $ceil: decimal('1.2') }, decimal('2')],
    [{ $abs: -5n }, 5n],
    [{ $pow: [2, 3] }, 8],
    [{ $pow: [2, 40] }, 1099511627776n],
    [{ $pow: [decimal('2'), 2] }, decimal('4.000000000000000000000000000000000')],
    [{ $sqrt: decimal('2') }, decimal('1.414213562373095048801688724209698')],
    [{ $exp: decimal('1') }, decimal('2.718281828459045235360287471352662')],
    [{ $log10: decimal('100') }, decimal('2')],
    [{ $sum: [[1, 2n, 'x']] }, 3n],
    [{ $avg: [1, 2] }, 1.5],
    [{ $bitAnd: [7, 5n] }, 5n],
    [{ $bitOr: [7, 1.5] }, refused('14 $bitOr only supports int and long operands.')],
    [{ $bitNot: 1.5 }, refused('14 $bitNot only supports int and long, not: double.')],
    [{ $bitNot: 'x' }, refused('28765 $bitNot only supports numeric types, not string')],
    [{ $bitNot: 5 }, -6],
  ])

  check('text is counted in code points or bytes', [
    [{ $toUpper: '$s' }, 'HELLO WöRLD'],
    [{ $strLenCP: '$s' }, 11],
    [{ $strLenBytes: '$s' }, 12],
    [{ $substrCP: ['$s', 6, 2] }, 'Wö'],
    [
      { $substrBytes: ['$s', 0, 8] },
      refused('28657 $substrBytes:  Invalid range, ending index is in the middle of a UTF-8 character.'),
    ],
    [{ $split: ['a-b-', '-'] }, ['a', 'b', '']],
    [{ $indexOfCP: ['$s', 'o'] }, 4],
    [{ $indexOfBytes: ['$s', 'r'] }, 9],
    [{ $trim: { input: '  x ' } }, 'x'],
    [{ $replaceAll: { input: 'aXbX', find: 'X', replacement: '' } }, 'ab'],
    [{ $concat: ['a', null] }, null],
    [{ $concat: ['a', 1] }, refused('16702 $concat only supports strings, not int')],
    [{ $regexFind: { input: '$s', regex: '(l+)(z)?' } }, { match: 'll', idx: 2, captures: ['ll', null] }],
    [{ $regexMatch: { input: '$s', regex: 'WÖRLD', options: 'i' } }, true],
    [{ $strcasecmp: ['A', 'a'] }, 0],
  ])

  check('arrays and sets', [
    ['$o.y.z', [1, 2]],
    ['$a.x', []],
    ['$nope', undefined],
    [
      ['$nope', 1],
      [null, 1],
    ],
    [{ x: '$nope', y: 1 }, { y: 1 }],
    [{ $arrayElemAt: ['$a', -1] }, 2],
    [{ $arrayElemAt: ['$a', 9] }, undefined],
    [{ $slice: ['$a', 1, 2] }, [2, 3]],
    [{ $map: { input: '$a', as: 'v', in: { $multiply: ['$$v', 2] } } }, [2, 4, 6, 4]],
    [{ $filter: { input: '$a', cond: { $gt: ['$$this', 1] }, limit: 2 } }, [2, 3]],
    [{ $reduce: { input: '$a', initialValue: 0, in: { $add: ['$$value', '$$this'] } } }, 8],
    [
      { $zip: { inputs: ['$a', ['x']], useLongestLength: true, defaults: [0, 'd'] } },
      [
        [1, 'x'],
        [2, 'd'],
        [3, 'd'],
        [2, 'd'],
      ],
    ],
    [{ $sortArray: { input: '$a', sortBy: -1 } }, [3, 2, 2, 1]],
    [{ $firstN: { input: '$a', n: 2 } }, [1, 2]],
    [{ $maxN: { input: '$a', n: 2 } }, [3, 2]],
    [{ $indexOfArray: ['$a', 2, 2] }, 3],
    ...['$concat', '$concatArrays', '$setUnion', '$setIntersection', '$bitXor', '$indexOfArray'].map(
      (name): readonly [object, null] => [{ [name]: ['$nope', { $size: '$nope' }] }, null],
    ),
    [{ $range: [0, 10, 4] }, [0, 4, 8]],
    [{ $in: [2n, '$a'] }, true],
    [{ $setUnion: ['$a', [3, 4]] }, [1, 2, 3, 4]],
    [{ $setDifference: ['$a', [2]] }, [1, 3]],
    [{ $setEquals: ['$a', [3, 2, 1]] }, true],
    [{ $size: '$nope' }, refused('17124 The argument to $size must be an array, but was of type: missing')],
  ])

  check('objects and control', [
    [{ $mergeObjects: ['$o', null, { x: 2 }] }, { x: 2, y: [{ z: 1 }, { z: 2 }, 3] }],
    [
      { $objectToArray: { b: 1, a: 2 } },
      [
        { k: 'b', v: 1 },
        { k: 'a', v: 2 },
      ],
    ],
    [{ $arrayToObject: { $literal: [['b', 1]] } }, { b: 1 }],
    [{ $getField: { field: 'x', input: '$o' } }, 1],
    [{ $setField: { field: 'q.r', input: {}, value: 1 } }, { 'q.r': 1 }],
    [{ $unsetField: { field: 'y', input: '$o' } }, { x: 1 }],
    [{ $cond: ['$nope', 1, 2] }, 2],
    [{ $ifNull: ['$nope', '$nil', 'z'] }, 'z'],
    [
      // biome-ignore lint/suspicious/noThenProperty: MongoDB names it so
      { $switch: { branches: [{ case: false, then: 1 }] } },
      refused('40066 $switch could not find a matching branch for an input, and no default was specified.'),
    ],
    [{ $let: { vars: { q: '$n' }, in: { $add: ['$$q', 1] } } }, 6],
    [{ $literal: '$n' }, '$n'],
    ['$$NOW', env.now],
    [{ $rand: {} }, 0.5],
    ['$$nope', refused('17276 Use of undefined variable: nope')],
    [{ $foo: 1 }, refused("168 Unrecognized expression '$foo'")],
    [{ $cmp: [1, 'a'] }, -1],
    [{ $function: {} }, refused('238 $function is not supported: the local database runs no server-side JavaScript')],
  ])

  check('dates', [
    [{ $dateToString: { date: '$d' } }, '2024-02-29T12:34:56.789Z'],
    [{ $dateToString: { date: '$d', timezone: 'America/New_York' } }, '2024-02-29T07:34:56.789'],
    [
      { $dateToString: { date: '$d', format: '%Y/%m/%d %H:%M %j %u %U %V %G %z %%', timezone: '+05:30' } },
      '2024/02/29 18:04 060 4 08 09 2024 +0530 %',
    ],
    [{ $hour: { date: '$d', timezone: 'America/New_York' } }, 7],
    [{ $isoWeekYear: new Date('2021-01-03') }, 2020n],
    [{ $dateAdd: { startDate: '$d', unit: 'year', amount: 1 } }, new Date('2025-02-28T12:34:56.789Z')],
    [
      {
        $dateAdd: { startDate: new Date('2024-03-09T17:00:00Z'), unit: 'day', amount: 1, timezone: 'America/New_York' },
      },
      new Date('2024-03-10T16:00:00Z'),
    ],
    [{ $dateSubtract: { startDate: new Date('2024-03-31'), unit: 'month', amount: 1 } }, new Date('2024-02-29')],
    [{ $dateDiff: { startDate: new Date('2023-12-31T23:00:00Z'), endDate: new Date('2024-01-01'), unit: 'year' } }, 1n],
    [
      {
        $dateDiff: {
          startDate: new Date('2024-01-06'),
          endDate: new Date('2024-01-08'),
          unit: 'week',
          startOfWeek: 'mon',
        },
      },
      1n,
    ],
    [{ $dateTrunc: { date: '$d', unit: 'month' } }, new Date('2024-02-01')],
    [{ $dateTrunc: { date: '$d', unit: 'week', startOfWeek: 'monday' } }, new Date('2024-02-26')],
    [{ $dateTrunc: { date: '$d', unit: 'day', timezone: 'America/New_York' } }, new Date('2024-02-29T05:00:00Z')],
    [{ $dateTrunc: { date: '$d', unit: 'minute', binSize: 15 } }, new Date('2024-02-29T12:30:00Z')],
    [
      { $dateFromParts: { year: 2024, month: 14, day: 1, timezone: 'America/New_York' } },
      new Date('2025-02-01T05:00:00Z'),
    ],
    [{ $dateFromParts: { isoWeekYear: 2020, isoWeek: 53, isoDayOfWeek: 7 } }, new Date('2021-01-03')],
    [
      { $dateToParts: { date: '$d' } },
      { year: 2024, month: 2, day: 29, hour: 12, minute: 34, second: 56, millisecond: 789 },
    ],
    [{ $dateFromString: { dateString: '2017-02-08', timezone: 'America/New_York' } }, new Date('2017-02-08T05:00:00Z')],
    [{ $dateFromString: { dateString: '15-06-2018', format: '%d-%m-%Y' } }, new Date('2018-06-15')],
    [{ $dateFromString: { dateString: 'bad', onError: 'oops' } }, 'oops'],
    [{ $year: 'x' }, refused("16006 can't convert from BSON type string to Date")],
    [
      { $dateTrunc: { date: '$d', unit: 'day', timezone: 'Nowhere' } },
      refused('40485 unrecognized time zone identifier: "Nowhere"'),
    ],
    [{ $substrCP: [new Timestamp({ t: 951_868_799, i: 16 }), 0, 99] }, 'Feb 29 23:59:59:16'],
    [{ $toUpper: new Timestamp({ t: 1, i: 2 }) }, 'JAN  1 00:00:01:2'],
    [{ $tsSecond: new Timestamp({ t: 5, i: 2 }) }, 5n],
  ])

  check('conversions', [
    [{ $toInt: '12' }, 12],
    [{ $toInt: 12.9 }, 12],
    [{ $toDate: Decimal128.fromString('1.9') }, new Date(1)],
    [
      { $toDate: Number.NaN },
      refused('241 Attempt to convert NaN value to integer type in $convert with no onError value'),
    ],
    [{ $toLong: '$d' }, BigInt(at.getTime())],
    [{ $toDecimal: 2.5 }, decimal('2.50000000000000')],
    [{ $toString: decimal('1E3') }, '1E+3'],
    [{ $toBool: 'false' }, true],
    [{ $toDate: new ObjectId('507f1f77bcf86cd799439011') }, new Date('2012-10-17T21:13:27Z')],
    [
      { $toInt: 'x' },
      refused("241 Failed to parse number 'x' in $convert with no onError value: Did not consume any digits"),
    ],
    [{ $convert: { input: 'x', to: 'int', onError: 'E' } }, 'E'],
    [{ $convert: { input: null, to: 'int', onNull: 'N' } }, 'N'],
    [{ $type: '$nope' }, 'missing'],
    [{ $isNumber: decimal('1') }, true],
  ])

  it('reads the variables of the command', () => {
    const withLet = { ...env, let: toDoc({ limit: 4 }) }
    const matches = compileFilter(toDoc({ $expr: { $gt: ['$n', '$$limit'] } }), withLet)
    expect(matches(DOC)).toBe(true)
  })
})
