import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  Code,
  Decimal128,
  Double,
  EJSON,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  serialize,
  Timestamp,
  UUID,
} from 'bson'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeDocument } from '../../../../runtime/data/bson-types.ts'
import { type EjsonFormat, stringifyEjson, TextBuffer, writeStored } from '../../../../runtime/ejson/index.ts'
import { arbitraryDocument } from './arbitrary-document.ts'

function fromBytes(bytes: Uint8Array, format: EjsonFormat): string {
  const out = new TextBuffer(16)
  writeStored(bytes, format, out)
  return new TextDecoder().decode(out.finish())
}

const id = new ObjectId('64b0c1d2e3f4a5b6c7d8e9f0')
const table: { type: string; value: unknown; json: string; ejson: string }[] = [
  { type: 'ObjectId', value: id, json: `"${id}"`, ejson: `{"$oid":"${id}"}` },
  {
    type: 'Date',
    value: new Date('2023-03-29T15:54:47.069Z'),
    json: '"2023-03-29T15:54:47.069Z"',
    ejson: '{"$date":{"$numberLong":"1680105287069"}}',
  },
  {
    type: 'whole second',
    value: new Date(0),
    json: '"1970-01-01T00:00:00.000Z"',
    ejson: '{"$date":{"$numberLong":"0"}}',
  },
  { type: 'Int32', value: new Int32(10), json: '10', ejson: '{"$numberInt":"10"}' },
  { type: 'Int64', value: Long.fromNumber(50), json: '50', ejson: '{"$numberLong":"50"}' },
  {
    type: 'Int64 beyond 2^53',
    value: Long.fromString('9007199254740993'),
    json: '9007199254740993',
    ejson: '{"$numberLong":"9007199254740993"}',
  },
  { type: 'Double', value: new Double(10.5), json: '10.5', ejson: '{"$numberDouble":"10.5"}' },
  { type: 'whole Double', value: new Double(10), json: '10', ejson: '{"$numberDouble":"10.0"}' },
  { type: 'NaN', value: new Double(Number.NaN), json: 'null', ejson: '{"$numberDouble":"NaN"}' },
  { type: 'Infinity', value: new Double(-Infinity), json: 'null', ejson: '{"$numberDouble":"-Infinity"}' },
  {
    type: 'Decimal128',
    value: Decimal128.fromString('9823.1297'),
    json: '"9823.1297"',
    ejson: '{"$numberDecimal":"9823.1297"}',
  },
  {
    type: 'Binary',
    value: new Binary(new Uint8Array([1, 2, 3]), 5),
    json: '{"Subtype":5,"Data":"AQID"}',
    ejson: '{"$binary":{"base64":"AQID","subType":"05"}}',
  },
  {
    type: 'UUID',
    value: new UUID('00112233-4455-6677-8899-aabbccddeeff'),
    json: '{"Subtype":4,"Data":"ABEiM0RVZneImaq7zN3u/w=="}',
    ejson: '{"$binary":{"base64":"ABEiM0RVZneImaq7zN3u/w==","subType":"04"}}',
  },
  {
    type: 'Regex',
    value: new BSONRegExp('^H', 'i'),
    json: '{"Pattern":"^H","Options":"i"}',
    ejson: '{"$regularExpression":{"pattern":"^H","options":"i"}}',
  },
  {
    type: 'Timestamp',
    value: new Timestamp({ t: 1565545664, i: 1 }),
    json: '{"T":1565545664,"I":1}',
    ejson: '{"$timestamp":{"t":1565545664,"i":1}}',
  },
  { type: 'MinKey', value: new MinKey(), json: '{}', ejson: '{"$minKey":1}' },
  { type: 'MaxKey', value: new MaxKey(), json: '{}', ejson: '{"$maxKey":1}' },
  { type: 'Code', value: new Code('a()'), json: '"a()"', ejson: '{"$code":"a()"}' },
  { type: 'Symbol', value: new BSONSymbol('s'), json: '"s"', ejson: '{"$symbol":"s"}' },
  { type: 'string', value: 'é"\\\n\u0001', json: '"é\\"\\\\\\n\\u0001"', ejson: '"é\\"\\\\\\n\\u0001"' },
  { type: 'list', value: [true, null, []], json: '[true,null,[]]', ejson: '[true,null,[]]' },
]

describe('the text of a stored document', () => {
  it.each(table)('writes $type as the formats table says', ({ value, json, ejson }) => {
    const bytes = serialize({ v: value })
    expect([fromBytes(bytes, 'JSON'), fromBytes(bytes, 'EJSON')]).toEqual([`{"v":${json}}`, `{"v":${ejson}}`])
    const decoded = decodeDocument(bytes)
    expect([stringifyEjson(decoded, 'JSON'), stringifyEjson(decoded, 'EJSON')]).toEqual([
      `{"v":${json}}`,
      `{"v":${ejson}}`,
    ])
  })

  it('keeps the stored order of integer-like keys', () => {
    const bytes = serialize(
      new Map([
        ['b', 1],
        ['10', 2],
        ['2', 3],
      ]),
    )
    expect(fromBytes(bytes, 'JSON')).toBe('{"b":1,"10":2,"2":3}')
  })

  it('writes a date that no calendar date can name', () => {
    const bytes = serialize({ v: Long.fromString('9000000000000000') })
    bytes[4] = 0x09
    expect(fromBytes(bytes, 'JSON')).toBe('{"v":9000000000000000}')
    expect(fromBytes(bytes, 'EJSON')).toBe('{"v":{"$date":{"$numberLong":"9000000000000000"}}}')
  })

  it('writes plain JS numbers by their value', () => {
    const value = { a: 42, b: 5_000_000_000, c: 1.5, d: -0, e: undefined, f: () => 1 }
    expect(stringifyEjson(value, 'EJSON')).toBe(
      '{"a":{"$numberInt":"42"},"b":{"$numberLong":"5000000000"},"c":{"$numberDouble":"1.5"},"d":{"$numberDouble":"-0.0"},"e":{"$undefined":true}}',
    )
    expect(stringifyEjson(value, 'JSON')).toBe('{"a":42,"b":5000000000,"c":1.5,"d":-0}')
  })

  it.each([
    ['an invalid date', { at: new Date(Number.NaN) }, '{"at":null}'],
    ['a hole of an array', { list: [1, ...Array(1), 2] }, '{"list":[1,null,2]}'],
    // biome-ignore lint/suspicious/noSparseArray: functions of public apps make them
    ['a sparse array', [1, , 2], '[1,null,2]'],
    ['a Map whose keys are no strings', new Map([[1, 'a']]), '{"1":"a"}'],
    ['an object with toJSON', { url: new URL('http://a.example/') }, '{"url":"http://a.example/"}'],
    ['boxed values', [Object(5), Object('x'), Object(true)], '[5,"x",true]'],
  ])('writes %s of a function as valid JSON', (_, value, text) => {
    expect(stringifyEjson(value, 'JSON')).toBe(text)
    expect(() => JSON.parse(stringifyEjson(value, 'EJSON'))).not.toThrow()
  })

  it('refuses what no text can hold, without overflowing the stack', () => {
    const circular: Record<string, unknown> = {}
    circular.self = circular
    const deep = Array.from({ length: 5000 }).reduce<unknown>((inner) => [inner], 1)
    const endless = { toJSON: () => endless }
    expect(() => stringifyEjson(circular, 'JSON')).toThrow('the value contains itself')
    expect(() => stringifyEjson(deep, 'EJSON')).toThrow('the value is nested more than 200 levels')
    expect(() => stringifyEjson(endless, 'JSON')).toThrow('the value contains itself')
  })

  it('agrees with the reference writer of canonical extended JSON, from bytes and from values', () => {
    fc.assert(
      fc.property(arbitraryDocument, (document) => {
        const reference = EJSON.stringify(document, { relaxed: false })
        const bytes = serialize(document)
        expect(fromBytes(bytes, 'EJSON')).toBe(reference)
        expect(stringifyEjson(decodeDocument(bytes), 'EJSON')).toBe(reference)
      }),
      { numRuns: 300 },
    )
  })

  it('is always valid JSON, the same from bytes and from values', () => {
    fc.assert(
      fc.property(arbitraryDocument, (document) => {
        const bytes = serialize(document)
        const text = fromBytes(bytes, 'JSON')
        expect(() => JSON.parse(text)).not.toThrow()
        expect(stringifyEjson(decodeDocument(bytes), 'JSON')).toBe(text)
      }),
      { numRuns: 300 },
    )
  })
})
