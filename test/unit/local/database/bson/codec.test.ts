import * as bson from 'bson'
import { describe, expect, it } from 'vitest'
import { decodeDocument, encodeDocument } from '../../../../../local/database/bson/codec.ts'
import {
  BsonUndefined,
  CodeWithScope,
  DbPointer,
  type Doc,
  FarDate,
  toDoc,
  type Value,
} from '../../../../../local/database/bson/value.ts'
import { DatabaseError } from '../../../../../local/database/errors.ts'

const id = new bson.ObjectId('0123456789abcdef01234567')
const SAMPLES: readonly (readonly [string, Value])[] = [
  ['an int32', new bson.Int32(-5)],
  ['a whole double', 5],
  ['negative zero', -0],
  ['NaN', Number.NaN],
  ['a long beyond 2^53', 9007199254740993n],
  ['a decimal with trailing zeros', bson.Decimal128.fromString('1.500')],
  ['text beyond the basic plane', 'é😀\u0000x'],
  ['a date', new Date(-1)],
  ['a date that JavaScript cannot hold', new FarDate(9_000_000_000_000_000_000n)],
  ['binary of subtype 2', new bson.Binary(new Uint8Array([1, 2, 3]), 2)],
  ['a UUID', new bson.UUID('0e5ca2f3-8f3a-4b1c-9c53-2a1f3d0a7b11')],
  ['a timestamp', new bson.Timestamp({ t: 4294967295, i: 7 })],
  ['a regex', new bson.BSONRegExp('a/b', 'ix')],
  ['min key', new bson.MinKey()],
  ['max key', new bson.MaxKey()],
  ['code', new bson.Code('x')],
  ['code with scope', new CodeWithScope('x', new Map([['y', 1]]))],
  ['a symbol', new bson.BSONSymbol('s')],
  ['undefined', new BsonUndefined()],
  ['a dbPointer', new DbPointer('a.b', id)],
  ['a nested array', [1, [null, true], new Map<string, Value>([['a', id]])]],
]

describe('the BSON codec', () => {
  it.each(SAMPLES)('gives the same bytes again for %s', (_name, value) => {
    const bytes = encodeDocument(new Map([['field', value]]))
    expect(Buffer.from(encodeDocument(decodeDocument(bytes)))).toEqual(Buffer.from(bytes))
  })

  it('writes what the bson package writes', () => {
    const plain = { a: 1, b: 2.5, c: 'x', d: [true, null], e: { f: id }, g: new Date(5), long: 5n }
    expect(Buffer.from(encodeDocument(toDoc(plain)))).toEqual(Buffer.from(bson.serialize(plain)))
  })

  it('keeps the order of keys that look like numbers', () => {
    const doc: Doc = new Map<string, Value>([
      ['b', 1],
      ['10', 2],
      ['2', 3],
    ])
    expect([...decodeDocument(encodeDocument(doc)).keys()]).toEqual(['b', '10', '2'])
  })

  it('reads a document in the middle of a buffer', () => {
    const bytes = encodeDocument(toDoc({ a: 1 }))
    expect(decodeDocument(Buffer.concat([Buffer.alloc(7), bytes, Buffer.alloc(3)]), 7)).toEqual(toDoc({ a: 1 }))
  })

  const good = Buffer.from(encodeDocument(toDoc({ a: 'text', b: { c: [1] } })))
  it.each(Array.from(good.keys()))('refuses the first %i bytes of a document', (length) => {
    expect(() => decodeDocument(good.subarray(0, length))).toThrow(DatabaseError)
  })

  it('refuses an unknown type', () => {
    const bytes = Buffer.from(good)
    bytes[4] = 0x42
    expect(() => decodeDocument(bytes)).toThrow('Invalid BSON: unknown type 66')
  })
})
