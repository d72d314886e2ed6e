import { Binary, BSONRegExp, Decimal128, MaxKey, MinKey } from 'bson'
import { describe, expect, it } from 'vitest'
import { toDoc } from '../../../../../local/database/bson/value.ts'
import { compileFilter, matchedIndex } from '../../../../../local/database/engine/match/filter.ts'
import { createEnv, outcome } from '../support.ts'

const DOCS = [
  /* 0 */ { a: 1 },
  /* 1 */ { a: [1, 2, 3] },
  /* 2 */ { a: null },
  /* 3 */ {},
  /* 4 */ { a: { b: 1 } },
  /* 5 */ { a: [{ b: 1, c: 2 }, { b: 3 }] },
  /* 6 */ { a: 'abc' },
  /* 7 */ { a: [[1, 2], [3]] },
  /* 8 */ { a: Decimal128.fromString('1') },
  /* 9 */ { a: 1.5 },
  /* 10 */ { a: [] },
  /* 11 */ { a: new Date(0) },
  /* 12 */ { a: 20n },
  /* 13 */ { a: Number.NaN },
  /* 14 */ { a: new Binary(new Uint8Array([5])) },
  /* 15 */ { a: [{ b: [1, 5] }, { b: [7] }] },
  /* 16 */ { a: [{}] },
]

const env = createEnv()

function matching(filter: object): string {
  return outcome(() => {
    const matches = compileFilter(toDoc(filter), env)
    return DOCS.flatMap((doc, index) => (matches(toDoc(doc)) ? [index] : [])).join()
  })
}

const ALL = DOCS.map((_doc, index) => index)
const allBut = (...indexes: number[]): string => ALL.filter((index) => !indexes.includes(index)).join()

// Judged by DocumentDB as well, where not marked.
const CASES: readonly (readonly [object, string])[] = [
  [{ a: 1 }, '0,1,8'],
  [{ a: { $ne: 1 } }, allBut(0, 1, 8)],
  [{ a: null }, '2,3'],
  [{ a: { $ne: null } }, allBut(2, 3)],
  [{ a: { $exists: false } }, '3'],
  [{ 'a.b': 1 }, '4,5,15'],
  [{ 'a.b': null }, '0,2,3,6,8,9,11,12,13,14,16'],
  [{ 'a.b': { $exists: true } }, '4,5,15'],
  [{ 'a.b.0': 1 }, '15'],
  [{ 'a.0': 1 }, '1'],
  [{ 'a.0': [1, 2] }, '7'],
  [{ 'a.0.b': 1 }, '5,15'],
  [{ a: { $gt: 1 } }, '1,9,12'],
  [{ a: { $gte: null } }, '2,3'],
  [{ a: { $lt: 2 } }, '0,1,8,9'],
  [{ a: { $lte: Number.NaN } }, '13'],
  [{ a: { $gt: new MinKey() } }, ALL.join()],
  [{ a: { $lt: new MaxKey() } }, ALL.join()],
  [{ a: { $in: [1, null, 'abc'] } }, '0,1,2,3,6,8'],
  [{ a: { $in: [0, 1, 2, 3, 4, null] } }, '0,1,2,3,8'],
  [{ a: { $in: [/^A/i] } }, '6'],
  [{ a: { $nin: [1, null] } }, allBut(0, 1, 2, 3, 8)],
  [{ a: { $size: 0 } }, '10'],
  [{ a: { $type: 'array' } }, '1,5,7,10,15,16'],
  [{ a: { $type: ['string', 10] } }, '2,6'],
  [{ a: { $all: [1, 2] } }, '1'],
  [{ a: { $all: [[1, 2]] } }, '7'],
  [{ a: { $all: [{ $elemMatch: { b: 1 } }, { $elemMatch: { b: 3 } }] } }, '5'],
  [{ a: { $all: [] } }, ''],
  [{ a: { $elemMatch: { b: 1, c: 2 } } }, '5'],
  [{ a: { $elemMatch: { $gt: 1, $lt: 3 } } }, '1'],
  [{ a: { $elemMatch: { $elemMatch: { $eq: 1 } } } }, '7'],
  [{ a: { $not: { $gt: 1 } } }, allBut(1, 9, 12)],
  [{ a: { $mod: [20, 0] } }, '12'],
  [{ a: { $bitsAllSet: 5 } }, '14'],
  [{ a: { $bitsAnySet: [0] } }, '0,1,8,14'],
  [{ a: { $regex: 'B', $options: 'i' } }, '6'],
  [{ a: { $gt: [1] } }, '1,5,7,15,16'],
  [{ a: [] }, '10'],
  [{ $or: [{ a: 1.5 }, { 'a.b': 3 }] }, '5,9'],
  [{ $nor: [{ a: { $exists: true } }] }, '3'],
  [{ $and: [{ a: { $gt: 0 } }, { a: { $lt: 2 } }] }, '0,1,8,9'],
  [{ $expr: { $eq: ['$a', 1] } }, '0,8'],
  [{ $jsonSchema: { required: ['a'], properties: { a: { bsonType: 'int' } } } }, '0'],
  [{ $comment: 'x', a: 1.5 }, '9'],
  [{ a: { $foo: 1 } }, '2 unknown operator: $foo'],
  [
    { $foo: 1 },
    "2 unknown top level operator: $foo. If you have a field name that starts with a '$' symbol, consider using $getField or $setField.",
  ],
  [{ a: { $in: 1 } }, '2 $in needs an array'],
  [{ $and: [] }, '2 $and argument must be a non-empty array'],
  [{ a: { $not: {} } }, '2 $not cannot be empty'],
  [{ a: { $elemMatch: 1 } }, '2 $elemMatch needs an Object'],
  [{ a: { $type: 'zzz' } }, '2 Unknown type name alias: zzz'],
  [{ a: { $mod: [0, 1] } }, '2 divisor cannot be 0'],
  [{ a: { $options: 'i' } }, '2 $options needs a $regex'],
  [{ a: { $near: [0, 0] } }, '238 $near is not supported: the local database has no geospatial queries'],
  [{ $where: 'true' }, '2 $where is not supported: no globalScriptEngine in $where parsing'],
  [{ $text: { $search: 'x' } }, '27 text index required for $text query'],
]

describe('query filters', () => {
  it.each(CASES)('%j matches the documents that MongoDB matches', (filter, expected) => {
    expect(matching(filter)).toBe(expected)
  })

  it.each([
    [{ a: 2 }, { a: [1, 2] }, 1],
    [{ 'a.b': 3 }, { a: [{ b: 1 }, { b: 3 }] }, 1],
    [{ a: { $elemMatch: { b: { $gt: 1 } } } }, { a: [{ b: 1 }, { b: 3 }] }, 1],
    [{ 'a.b': 2 }, { a: [{ b: [1] }, { b: [9, 9, 2] }] }, 1],
    [{ a: 1 }, { a: 1 }, undefined],
  ])('%j finds in %j the element %s for the positional operator', (filter, doc, index) => {
    expect(matchedIndex(toDoc(filter), env)(toDoc(doc))).toBe(index)
  })

  it.each([
    ['^a.c$', '', 'a\rc', true],
    ['^a.c$', '', 'a\nc', false],
    ['abc$', '', 'abc\n', true],
    ['^b', 'm', 'a\nb', true],
    ['a b # c', 'x', 'ab', true],
    ['(?i)ABC', '', 'abc', true],
    ['[[:digit:]]+', '', 'x5', true],
    ['\\Aab\\z', '', 'ab', true],
    ['(?P<n>a)', '', 'a', true],
    ['\\Qa.b\\E', '', 'axb', false],
  ])('reads /%s/%s as PCRE does', (pattern, options, text, expected) => {
    const matches = compileFilter(toDoc({ a: new BSONRegExp(pattern, options) }), env)
    expect(matches(toDoc({ a: text }))).toBe(expected)
  })
})
