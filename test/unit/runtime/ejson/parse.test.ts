import { Binary, BSONRegExp, Decimal128, Double, EJSON, Int32, Long, MinKey, ObjectId, serialize, UUID } from 'bson'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { getField, parseEjson, parseEjsonDocument } from '../../../../runtime/ejson/index.ts'
import { AppError } from '../../../../runtime/errors.ts'
import { arbitraryDocument } from './arbitrary-document.ts'

const id = new ObjectId('64b0c1d2e3f4a5b6c7d8e9f0')

describe('reading extended JSON', () => {
  it.each<[string, unknown]>([
    ['5', new Int32(5)],
    ['-0', new Int32(0)],
    ['5.0', new Double(5)],
    ['1e3', new Double(1000)],
    ['2147483648', Long.fromNumber(2147483648)],
    ['-9223372036854775808', Long.fromString('-9223372036854775808')],
    ['9223372036854775808', new Double(2 ** 63)],
    [`{"$oid":"${id}"}`, id],
    ['{"$numberInt":"7"}', new Int32(7)],
    ['{"$numberInt":7}', new Int32(7)],
    ['{"$numberLong":"7"}', Long.fromNumber(7)],
    ['{"$numberDouble":"7"}', new Double(7)],
    ['{"$numberDouble":"NaN"}', new Double(Number.NaN)],
    ['{"$numberDecimal":"9823.1297"}', Decimal128.fromString('9823.1297')],
    ['{"$date":"2024-01-20T00:00:00Z"}', new Date('2024-01-20T00:00:00Z')],
    ['{"$date":"2024-01-20T01:00:00+0100"}', new Date('2024-01-20T00:00:00Z')],
    ['{"$date":{"$numberLong":"5"}}', new Date(5)],
    ['{"$date":5}', new Date(5)],
    ['{"$binary":{"base64":"AQID","subType":"05"}}', new Binary(new Uint8Array([1, 2, 3]), 5)],
    ['{"$binary":"AQID","$type":"05"}', new Binary(new Uint8Array([1, 2, 3]), 5)],
    ['{"$uuid":"00112233-4455-6677-8899-aabbccddeeff"}', new UUID('00112233-4455-6677-8899-aabbccddeeff')],
    ['{"$regularExpression":{"pattern":"^a","options":"i"}}', new BSONRegExp('^a', 'i')],
    ['{"$regex":"^a","$options":"i"}', new BSONRegExp('^a', 'i')],
    ['{"$minKey":1}', new MinKey()],
    ['{"$undefined":true}', null],
    ['{"$set":{"a":1}}', { $set: { a: new Int32(1) } }],
    ['{"$exists":true,"$type":"string"}', { $exists: true, $type: 'string' }],
    ['"\\u00e9\\n"', 'é\n'],
    [' [ true , false , null ] ', [true, false, null]],
  ])('reads %s', (text, value) => {
    expect(parseEjson(text)).toEqual(value)
  })

  it('keeps the order of integer-like keys', () => {
    const sort = parseEjson('{"2":1,"10":1,"1":-1}')
    expect(sort).toBeInstanceOf(Map)
    expect([...(sort as Map<string, unknown>).keys()]).toEqual(['2', '10', '1'])
  })

  it('takes prototype keys for fields', () => {
    const body = parseEjsonDocument('{"__proto__":{"admin":true},"constructor":1,"hasOwnProperty":2}')
    expect(Object.keys(body)).toEqual(['__proto__', 'constructor', 'hasOwnProperty'])
    expect(Object.getPrototypeOf(body)).toBe(Object.prototype)
    expect(getField(body, '__proto__')).toEqual({ admin: true })
    expect(getField(parseEjsonDocument('{}'), 'constructor')).toBeUndefined()
  })

  it('does not let a field named _bsontype pass for a BSON class', () => {
    const document = parseEjsonDocument('{"a":{"_bsontype":"ObjectId","id":1}}')
    expect(document.a).toEqual(
      new Map<string, unknown>([
        ['_bsontype', 'ObjectId'],
        ['id', new Int32(1)],
      ]),
    )
    expect(() => serialize(document)).not.toThrow()
  })

  it.each([
    ['', 'unexpected end'],
    ['{', 'unexpected end'],
    ['{"a":1,}', 'unexpected character at position 7'],
    ["{'a':1}", 'unexpected character at position 1'],
    ['{"a":1}x', 'unexpected character at position 7'],
    ['[1 2]', 'unexpected character at position 3'],
    ['01', 'unexpected character at position 1'],
    ['"\t"', 'unexpected character'],
    ['"\\x"', 'bad escape'],
    ['nul', 'unexpected character'],
    ['{"a":1,"a":2}', 'duplicate key "a"'],
    ['{"a\\u0000b":1}', 'a key holds a NUL character'],
    ['1e999', 'number out of range'],
    ['{"$oid":"xyz"}', 'invalid value for $oid'],
    ['{"$oid":{"$oid":"64b0c1d2e3f4a5b6c7d8e9f0"}}', 'invalid value for $oid'],
    [`{"$oid":"${id}","x":1}`, 'invalid value for $oid'],
    ['{"$numberInt":"2147483648"}', 'invalid value for $numberInt'],
    ['{"$numberLong":"9223372036854775808"}', 'invalid value for $numberLong'],
    ['{"$numberDouble":"abc"}', 'invalid value for $numberDouble'],
    ['{"$numberDecimal":"abc"}', 'invalid value for $numberDecimal'],
    ['{"$date":"yesterday"}', 'invalid value for $date'],
    ['{"$date":{"$numberLong":"9223372036854775807"}}', 'invalid value for $date'],
    ['{"$binary":{"base64":"***","subType":"00"}}', 'invalid value for $binary'],
    ['{"$uuid":"1"}', 'invalid value for $uuid'],
    ['{"$timestamp":{"t":-1,"i":1}}', 'invalid value for $timestamp'],
    ['{"$code":1}', 'invalid value for $code'],
  ])('refuses %s with 400', (text, reason) => {
    expectRefusal(text, reason)
  })

  it('refuses nesting without end', () => {
    expectRefusal('['.repeat(100_000), 'nested deeper than 200 levels')
    expectRefusal('{"a":'.repeat(100_000), 'nested deeper than 200 levels')
  })

  function expectRefusal(text: string, reason: string) {
    let thrown: unknown
    try {
      parseEjson(text)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(AppError)
    const { code, status, message } = thrown as AppError
    expect({ code, status }).toEqual({ code: 'BadRequest', status: 400 })
    expect(message).toContain(reason)
  }

  it.each(['5', '[]', 'null', '"a"', `{"$oid":"${id}"}`])('refuses a body that is %s', (text) => {
    expect(() => parseEjsonDocument(text)).toThrow('expected an object')
  })

  it('reads back what the reference writer writes, canonical and relaxed', () => {
    fc.assert(
      fc.property(arbitraryDocument, (document) => {
        expect(serialize(parseEjsonDocument(EJSON.stringify(document, { relaxed: false })))).toEqual(
          serialize(document),
        )
        const relaxed = EJSON.stringify(document, { relaxed: true })
        expect(EJSON.stringify(EJSON.parse(relaxed), { relaxed: true })).toBe(
          EJSON.stringify(EJSON.parse(EJSON.stringify(parseEjsonDocument(relaxed))), { relaxed: true }),
        )
      }),
      { numRuns: 300 },
    )
  })

  it('accepts the JSON that JSON.parse accepts, but for duplicate keys and numbers out of range', () => {
    const tokens = fc.array(
      fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '"b"', '1', '-1.5e2', 'true', 'null', ' '),
      {
        maxLength: 12,
      },
    )
    fc.assert(
      fc.property(tokens, (parts) => {
        const text = parts.join('')
        const refusal = (parse: (text: string) => unknown) => {
          try {
            parse(text)
            return ''
          } catch (error) {
            return String(error)
          }
        }
        if (refusal(JSON.parse) === '') expect(refusal(parseEjson)).toMatch(/^$|duplicate key|out of range/)
        else expect(refusal(parseEjson)).toMatch(/invalid request body/)
      }),
      { numRuns: 500 },
    )
  })
})
