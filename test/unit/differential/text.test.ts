import { BSON, Decimal128, Double, Int32, Long, ObjectId } from 'bson'
import { describe, expect, it } from 'vitest'
import { compare } from '../../differential/compare.ts'
import { literal } from '../../differential/generate/value.ts'
import { describe as describeDocument } from '../../differential/raw-bson.ts'
import type { Scenario } from '../../differential/scenario.ts'
import type { Answer } from '../../differential/server.ts'
import { toSnippet } from '../../differential/snippet.ts'

describe('documents as text', () => {
  it('tells every type, zero and order of keys', () => {
    const text = (fields: Record<string, unknown>) => describeDocument(BSON.serialize(fields))
    expect(text({ a: new Int32(1), b: new Double(-0), c: Long.fromNumber(1), d: Decimal128.fromString('1.0') })).toBe(
      '{"a": int(1), "b": double(-0), "c": long(1), "d": decimal(1.0)}',
    )
    expect(text({ b: [null, true, { c: '"' }], a: new Date(5) })).toBe(
      '{"b": [null, true, {"c": "\\""}], "a": date(5)}',
    )
    expect(text({ own: new ObjectId('aaaaaaaa0000000000000001'), made: new ObjectId() })).toBe(
      '{"own": objectId(aaaaaaaa0000000000000001), "made": objectId(made by the server)}',
    )
  })
})

describe('comparing two servers', () => {
  const scenario = (ordered: boolean): Scenario => ({
    options: literal({}),
    indexes: [],
    documents: [],
    commands: [{ command: literal({ find: 'things' }), ordered }],
  })
  const answer = (documents: string[], code?: number): Answer => ({
    ...(code === undefined ? {} : { error: { code, message: '' } }),
    summary: '',
    documents,
  })
  const cases: [name: string, ordered: boolean, local: Answer, server: Answer, kind: string | undefined][] = [
    ['takes any order where none is defined', false, answer(['a', 'b']), answer(['b', 'a']), undefined],
    ['minds the order where one is', true, answer(['a', 'b']), answer(['b', 'a']), 'result'],
    ['takes errors of one class for equal', true, answer([], 2), answer([], 40415), undefined],
    ['tells a duplicate key from another error', true, answer([], 11000), answer([], 2), 'error class'],
    ['tells an error from none', true, answer([], 2), answer([]), 'error'],
    ['tells no error from one', true, answer([]), answer([], 2), 'no error'],
  ]
  it.each(cases)('%s', (_name, ordered, local, server, kind) => {
    const found = compare(scenario(ordered), { answers: [local], data: [] }, { answers: [server], data: [] })
    expect(found?.kind).toBe(kind)
  })

  it('looks at the documents left behind', () => {
    expect(
      compare(scenario(true), { answers: [answer([])], data: ['a'] }, { answers: [answer([])], data: [] }),
    ).toEqual({
      where: 'data',
      kind: 'data',
      local: 'a',
      server: '',
    })
  })
})

describe('a snippet', () => {
  it('is driver code with exact types, also for keys that a literal would move', () => {
    expect(
      toSnippet({
        options: literal({}),
        indexes: [literal({ key: literal({ a: new Int32(1) }), name: 'a' })],
        documents: [
          literal({
            _id: new Int32(1),
            x: new Map<string, unknown>([
              ['b', "it's"],
              ['0', new Double(5)],
            ]),
          }),
        ],
        commands: [
          { command: literal({ find: 'things', filter: literal({ 'x.b': Long.fromNumber(2) }) }), ordered: true },
        ],
      }),
    ).toBe(
      [
        "await db.dropCollection('things')",
        "await db.command({ createIndexes: 'things', indexes: [{ key: { a: 1 }, name: 'a' }] })",
        "await db.collection('things').insertMany([{ _id: 1, x: new Map([['b', 'it\\'s'], ['0', new Double(5)]]) }], { ordered: false })",
        "await db.command({ find: 'things', filter: { 'x.b': Long.fromString('2') } })",
      ].join('\n'),
    )
  })
})
