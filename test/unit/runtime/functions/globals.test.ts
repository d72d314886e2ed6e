import { generateKeyPairSync } from 'node:crypto'
import * as bson from 'bson'
import { describe, expect, it } from 'vitest'
import { FunctionBinary } from '../../../../runtime/functions/globals/binary.ts'
import { createBson } from '../../../../runtime/functions/globals/bson.ts'
import { cryptoUtils } from '../../../../runtime/functions/globals/crypto.ts'
import { parseEjson, stringifyEjson } from '../../../../runtime/functions/globals/ejson.ts'
import { createJwtUtils } from '../../../../runtime/functions/globals/jwt.ts'
import { createRequire } from '../../../../runtime/functions/globals/require.ts'
import { toFunctionValue, toStoredValue } from '../../../../runtime/functions/values.ts'

/** Evaluates an expression that uses the `BSON` global. */
const evaluate = (expression: string): unknown => new Function('BSON', `return ${expression}`)(createBson())

describe('BSON', () => {
  const constructors: [string, string][] = [
    ['ObjectId', `BSON.ObjectId('5f0000000000000000000001')`],
    ['BSONRegExp', `BSON.BSONRegExp('^a', 'i')`],
    ['Int32', 'BSON.Int32(42)'],
    ['Long', 'BSON.Long(1, 2)'],
    ['Double', 'BSON.Double(1.5)'],
    ['Decimal128', `BSON.Decimal128('1.10')`],
    ['UUID', `BSON.UUID('aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee')`],
    ['Timestamp', 'BSON.Timestamp(5, 6)'],
    ['Binary', `BSON.Binary(new Uint8Array([1, 2]))`],
    ['MinKey', 'BSON.MinKey()'],
    ['MaxKey', 'BSON.MaxKey()'],
  ]
  it.each(constructors)('constructs %s with and without new, and instanceof holds', (name, expression) => {
    const [without, withNew] = [evaluate(expression), evaluate(`new ${expression}`)]
    expect(bson.serialize({ value: without })).toEqual(bson.serialize({ value: withNew }))
    expect(evaluate(`${expression} instanceof BSON.${name}`)).toBe(true)
    expect(evaluate(`(new ${expression}).constructor.name.endsWith('${name}')`)).toBe(true)
  })

  it('makes new ids', () => {
    expect(evaluate('BSON.ObjectId().toString() !== new BSON.ObjectId().toString()')).toBe(true)
    expect(evaluate(`BSON.ObjectId.isValid('5f0000000000000000000001')`)).toBe(true)
  })

  it('reads and writes binaries', () => {
    expect(evaluate(`BSON.Binary.fromHex('6869').text()`)).toBe('hi')
    expect(evaluate(`BSON.Binary.fromBase64('aGk=', 5).toHex()`)).toBe('6869')
    expect(evaluate(`BSON.Binary.fromBase64('aGk=', 5).sub_type`)).toBe(5)
    expect(evaluate(`BSON.Binary.fromText('hé').toBase64()`)).toBe('aMOp')
    expect(() => evaluate(`BSON.Binary.fromHex('6')`)).toThrow('not a hex string')
    expect(() => evaluate(`BSON.Binary.fromBase64('aGk')`)).toThrow('not padded base64')
  })

  it('takes MinKey and MaxKey as values', () => {
    const stored = toStoredValue(evaluate('({ low: BSON.MinKey, high: BSON.MaxKey })'))
    expect(stored).toEqual({ low: new bson.MinKey(), high: new bson.MaxKey() })
  })

  it('has Long by low and high words and Decimal128 from strings', () => {
    expect(evaluate('BSON.Long(1, 2).toString()')).toBe('8589934593')
    expect(evaluate(`BSON.Decimal128.fromString('1.10').toString()`)).toBe('1.10')
  })
})

describe('EJSON', () => {
  it('writes the canonical form of App Services, integral numbers as int64', () => {
    const date = new Date(1652297239913)
    expect(stringifyEjson({ n: 42, d: 1.5, date, id: new bson.ObjectId('5f0000000000000000000001'), s: 'x' })).toBe(
      '{"n":{"$numberLong":"42"},"d":{"$numberDouble":"1.5"},"date":{"$date":{"$numberLong":"1652297239913"}},' +
        '"id":{"$oid":"5f0000000000000000000001"},"s":"x"}',
    )
    expect(stringifyEjson([-0, Number.NaN, 1e300, new bson.Int32(1)])).toBe(
      '[{"$numberDouble":"-0.0"},{"$numberDouble":"NaN"},{"$numberDouble":"1e+300"},{"$numberInt":"1"}]',
    )
  })

  it('reads canonical and relaxed forms into numbers, dates and BSON types', () => {
    expect(
      parseEjson(
        '{"a":{"$numberInt":"1"},"b":{"$numberLong":"2"},"c":{"$numberDouble":"1.5"},"d":3,' +
          '"big":{"$numberLong":"9007199254740993"},"at":{"$date":"2020-01-01T00:00:00Z"},"id":{"$oid":"5f0000000000000000000001"}}',
      ),
    ).toEqual({
      a: 1,
      b: 2,
      c: 1.5,
      d: 3,
      big: bson.Long.fromString('9007199254740993'),
      at: new Date('2020-01-01T00:00:00Z'),
      id: new bson.ObjectId('5f0000000000000000000001'),
    })
  })

  it('keeps __proto__ a key', () => {
    const parsed = parseEjson('{"__proto__":{"polluted":true}}')
    expect(Object.keys(Object(parsed))).toEqual(['__proto__'])
    expect(Object(parsed).polluted).toBeUndefined()
  })
})

describe('utils.crypto', () => {
  it('decrypts what the documentation encrypted', () => {
    const key = '603082712271C525E087BD999A4E0738'
    const documented = FunctionBinary.fromBase64('WPBuIvJ6Bity43Uh822dW8QlVYVJaFUiDeUjlTiJXzptUuTYIKPlXekBQAJb')
    expect(cryptoUtils.decrypt('aes', documented, key).text()).toBe('MongoDB is great!')
    const encrypted = cryptoUtils.encrypt('aes', 'MongoDB is great!', key)
    expect(encrypted.length()).toBe(12 + 17 + 16)
    expect(cryptoUtils.decrypt('aes', encrypted, key).text()).toBe('MongoDB is great!')
  })

  it('refuses a wrong key, a damaged text, a bad key length and an unknown method', () => {
    const key = 'k'.repeat(32)
    const encrypted = cryptoUtils.encrypt('aes', 'x', key)
    expect(() => cryptoUtils.decrypt('aes', encrypted, 'l'.repeat(32))).toThrow('wrong key or damaged text')
    expect(() => cryptoUtils.decrypt('aes', FunctionBinary.fromText('short'), key)).toThrow('too short')
    expect(() => cryptoUtils.encrypt('aes', 'x', 'short')).toThrow('16, 24 or 32 bytes')
    expect(() => cryptoUtils.encrypt('des', 'x', key)).toThrow('unknown method "des"')
  })

  it('computes the documented digests', () => {
    expect(cryptoUtils.hmac('hello!', 'super-secret', 'sha256', 'base64')).toBe(
      'SUXd6PRMaTXXgBGaGsIHzaDWgTSa6C3D44lRGrvRak0=',
    )
    expect(cryptoUtils.hash('sha256', 'hello!').toBase64()).toBe('zgYJL7lI2f+sfRo3bkBLJrdXW8wR7gWkYV/vT+w6MIs=')
    expect(cryptoUtils.hash('md5', FunctionBinary.fromText('hello!')).toHex()).toBe('5a8dd3ad0756a93ded72b823b19dd877')
  })

  it.each(['pss', 'pkcs1v15'])('signs and verifies with RSA keys in PKCS#1, scheme %s', (scheme) => {
    const keys = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
      publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
    })
    const signature = cryptoUtils.sign('rsa', 'message', keys.privateKey, scheme)
    expect(cryptoUtils.verify('rsa', 'message', keys.publicKey, signature, scheme)).toBe(true)
    expect(cryptoUtils.verify('rsa', 'other', keys.publicKey, signature, scheme)).toBe(false)
  })
})

describe('utils.jwt', () => {
  const jwt = createJwtUtils(() => new Date('2026-01-01T00:00:00Z'))
  const rsa = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const ec = (namedCurve: string) =>
    generateKeyPairSync('ec', {
      namedCurve,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    })
  const keys: Record<string, { privateKey: string; publicKey: string }> = {
    HS256: { privateKey: 's'.repeat(32), publicKey: 's'.repeat(32) },
    HS384: { privateKey: 's'.repeat(48), publicKey: 's'.repeat(48) },
    HS512: { privateKey: 's'.repeat(64), publicKey: 's'.repeat(64) },
    RS256: rsa,
    RS384: rsa,
    RS512: rsa,
    PS256: rsa,
    PS384: rsa,
    PS512: rsa,
    ES256: ec('prime256v1'),
    ES384: ec('secp384r1'),
    ES512: ec('secp521r1'),
  }

  it.each(Object.keys(keys))('signs and verifies %s', (method) => {
    const { privateKey = '', publicKey = '' } = keys[method] ?? {}
    const token = jwt.encode(method, { sub: 'u1', n: 1 }, privateKey, { kid: 'k1' })
    expect(jwt.decode(token, publicKey, true, [method])).toEqual({
      header: { alg: method, typ: 'JWT', kid: 'k1' },
      payload: { sub: 'u1', n: 1 },
    })
    const [header, , signature] = token.split('.')
    const forged = `${header}.${Buffer.from('{"sub":"u2"}').toString('base64url')}.${signature}`
    expect(() => jwt.decode(forged, publicKey)).toThrow('the signature of the token is invalid')
  })

  it('reads the token of another implementation', () => {
    const token =
      'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c'
    expect(jwt.decode(token, 'your-256-bit-secret')).toEqual({ sub: '1234567890', name: 'John Doe', iat: 1516239022 })
  })

  it('refuses tokens out of time, of another method, without a signature and with a public key as secret', () => {
    const secret = 's'.repeat(32)
    const encode = (claims: object) => jwt.encode('HS256', claims, secret)
    expect(() => jwt.decode(encode({ exp: 1 }), secret)).toThrow('expired')
    expect(() => jwt.decode(encode({ nbf: 4e9 }), secret)).toThrow('not valid yet')
    expect(() => jwt.decode(encode({}), secret, false, ['RS256'])).toThrow('not accepted')
    expect(() => jwt.decode('e30.e30.', secret)).toThrow('malformed')
    expect(() => jwt.encode('none', {}, secret)).toThrow('unsupported signing method')
    expect(() => jwt.decode(encode({}), rsa.publicKey)).toThrow('a public key cannot be the secret')
  })
})

describe('require', () => {
  const require = createRequire({ lodash: () => 'lodash', 'node:crypto': () => 'crypto', buffer: () => 'buffer' })

  it('finds packages and built-ins under both spellings', () => {
    expect(['lodash', 'crypto', 'node:crypto', 'node:buffer'].map(require)).toEqual([
      'lodash',
      'crypto',
      'crypto',
      'buffer',
    ])
  })

  it('names what is missing and the mend', () => {
    expect(() => require('left-pad')).toThrow(
      `Cannot find module 'left-pad': add it to functions/package.json and build again`,
    )
    expect(() => require('./other')).toThrow('files cannot be required')
    expect(() => require('constructor')).toThrow(`Cannot find module 'constructor'`)
  })
})

describe('values between functions and the database', () => {
  it('writes integral numbers as int32 or int64, others as double, undefined as null', () => {
    expect(toStoredValue({ a: 1, b: 3_000_000_000, c: 1.5, d: undefined, e: [undefined], f: -0 })).toEqual({
      a: 1,
      b: bson.Long.fromNumber(3_000_000_000),
      c: 1.5,
      d: null,
      e: [null],
      f: -0,
    })
  })

  it('reads numbers as numbers while that is exact', () => {
    const unsafe = bson.Long.fromString('9007199254740993')
    expect(
      toFunctionValue({
        int: new bson.Int32(1),
        double: new bson.Double(1.5),
        long: bson.Long.fromNumber(5),
        unsafe,
        decimal: bson.Decimal128.fromString('1.1'),
        regex: /^a/gi,
      }),
    ).toEqual({
      int: 1,
      double: 1.5,
      long: 5,
      unsafe,
      decimal: bson.Decimal128.fromString('1.1'),
      regex: new bson.BSONRegExp('^a', 'i'),
    })
  })

  it('refuses circular values instead of overflowing the stack', () => {
    const circular: Record<string, unknown> = {}
    circular.self = circular
    expect(() => toStoredValue(circular)).toThrow('circular or nested more than 200 levels')
  })
})
