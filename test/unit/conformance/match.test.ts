import { Binary, Decimal128, Double, Int32, Long, ObjectId, Timestamp } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { InvalidTestError, MismatchError } from '../../conformance/errors.ts'
import { assertEqual, assertMatches, type MatchEntities } from '../../conformance/match.ts'

const lsid = { id: new Binary(Buffer.alloc(16, 7), 4) }
const entities: MatchEntities = {
  value: (name) => {
    if (name !== 'saved') throw new InvalidTestError(`no entity ${name}`)
    return { x: 1 }
  },
  sessionLsid: () => lsid,
}

function matches(expected: unknown, actual: unknown, root = false): boolean {
  try {
    assertMatches(expected, actual, entities, root)
    return true
  } catch (error) {
    if (error instanceof MismatchError) return false
    throw error
  }
}

describe('matching by the rules of the unified test format', () => {
  const id = new ObjectId()
  const cases: [name: string, expected: unknown, actual: unknown, root: boolean, result: boolean][] = [
    ['takes numbers of any type that are equal', { a: 1, b: new Long(5) }, { a: new Double(1), b: 5n }, false, true],
    ['tells numbers that differ', 1, 1.5, false, false],
    ['keeps decimals apart from other numbers', 1, Decimal128.fromString('1'), false, false],
    ['keeps timestamps apart from longs', new Long(1), new Timestamp({ t: 0, i: 1 }), false, false],
    ['allows further keys in a root document', { x: 1 }, { x: 1, y: 2 }, true, true],
    ['allows no further keys below it', { x: { a: 1 } }, { x: { a: 1, b: 2 } }, true, false],
    ['does not mind the order of keys', { x: 1, y: 2 }, { y: 2, x: 1 }, false, true],
    ['wants arrays of one length', [1, 2], [1, 2, 3], false, false],
    ['reads Maps as documents', { sort: { x: 1 } }, { sort: new Map([['x', 1]]) }, true, true],
    ['compares binaries by bytes, promoted or not', new Binary(Buffer.from('ab')), Buffer.from('ab'), false, true],
    ['compares object ids', id, new ObjectId(id.toHexString()), false, true],
    ['takes null for null alone', { x: null }, {}, true, false],
    ['$$exists true takes null', { x: { $$exists: true } }, { x: null }, true, true],
    ['$$exists true wants the key', { x: { $$exists: true } }, {}, true, false],
    ['$$exists false forbids the key', { x: { $$exists: false } }, { x: 0 }, true, false],
    ['$$unsetOrMatches takes a missing key', { x: { $$unsetOrMatches: 2 } }, {}, true, true],
    ['$$unsetOrMatches matches a key that is there', { x: { $$unsetOrMatches: 2 } }, { x: 3 }, true, false],
    ['$$unsetOrMatches keeps the root a root', { $$unsetOrMatches: { x: 1 } }, { x: 1, y: 2 }, true, true],
    ['$$type takes one of several', { $$type: ['int', 'long'] }, new Int32(4), false, true],
    ['$$type tells a fraction from an int', { $$type: 'int' }, 1.5, false, false],
    ['$$type number takes any of the four', { $$type: 'number' }, Decimal128.fromString('1'), false, true],
    ['$$type object is no array', { $$type: 'object' }, [], false, false],
    ['$$matchesEntity compares with a saved value', { $$matchesEntity: 'saved' }, { x: 1 }, false, true],
    ['$$sessionLsid compares the session', { lsid: { $$sessionLsid: 's' } }, { lsid: { ...lsid } }, true, true],
    [
      '$$sessionLsid tells another session',
      { $$sessionLsid: 's' },
      { id: new Binary(Buffer.alloc(16), 4) },
      true,
      false,
    ],
    ['$$matchesHexBytes compares bytes', { $$matchesHexBytes: '00Ff' }, Buffer.from([0, 255]), false, true],
    ['$$matchAsRoot allows further keys', { x: { $$matchAsRoot: { a: 1 } } }, { x: { a: 1, b: 2 } }, true, true],
    ['$$matchAsDocument parses a string', { $$matchAsDocument: { a: 1 } }, '{"a":1}', false, true],
    ['$$lte bounds a number', { $$lte: 3 }, 4, false, false],
  ]
  it.each(cases)('%s', (_name, expected, actual, root, result) => {
    expect(matches(expected, actual, root)).toBe(result)
  })

  it('names the path of the first difference', () => {
    expect(() => assertMatches({ a: [{ b: 1 }] }, { a: [{ b: 2 }] }, entities)).toThrow(
      'a[0].b differs: expected 1, got 2',
    )
  })

  it.each([[{ $$unknown: 1 }], [{ $$matchesEntity: 'absent' }], [{ $$matchesHexBytes: '0' }]])(
    'refuses the test %j rather than failing it',
    (expected) => {
      expect(() => assertMatches(expected, Buffer.alloc(1), entities)).toThrow(InvalidTestError)
    },
  )
})

describe('outcomes', () => {
  it('must be equal, whatever the order of keys', () => {
    expect(() => assertEqual([{ _id: 1, x: { a: 1, b: 2 } }], [{ x: { b: 2, a: 1 }, _id: 1 }])).not.toThrow()
    expect(() => assertEqual([{ _id: 1 }], [{ _id: 1, x: 1 }])).toThrow(MismatchError)
    expect(() => assertEqual([{ _id: 1 }], [])).toThrow(MismatchError)
  })
})
