import { generateKeyPairSync } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { Miniflare } from 'miniflare'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cryptoUtils } from '../../../../runtime/functions/globals/crypto.ts'
import { createJwtUtils } from '../../../../runtime/functions/globals/jwt.ts'

const modulePath = (name: string) =>
  JSON.stringify(fileURLToPath(new URL(`../../../../runtime/functions/globals/${name}.ts`, import.meta.url)))

/** Calls `utils` inside workerd: a binary travels as base64. */
const worker = `
import { cryptoUtils } from ${modulePath('crypto')}
import { createJwtUtils } from ${modulePath('jwt')}
import { FunctionBinary } from ${modulePath('binary')}
const utils = { ...cryptoUtils, ...createJwtUtils(() => new Date()) }
const toValue = (value) => (value?.base64 ? FunctionBinary.fromBase64(value.base64) : value)
export default {
  async fetch(request) {
    const { call, args } = await request.json()
    const result = utils[call](...args.map(toValue))
    return Response.json({ result: result instanceof FunctionBinary ? { base64: result.toBase64() } : result })
  },
}`

let workerd: Miniflare

beforeAll(async () => {
  const bundle = await build({
    stdin: { contents: worker, resolveDir: '.', loader: 'js' },
    bundle: true,
    format: 'esm',
    write: false,
    external: ['node:*'],
  })
  workerd = new Miniflare({
    modules: true,
    script: bundle.outputFiles[0]?.text ?? '',
    compatibilityDate: '2026-06-01',
    compatibilityFlags: ['nodejs_compat'],
  })
})

afterAll(() => workerd.dispose())

async function inWorkerd(call: string, ...args: unknown[]): Promise<unknown> {
  const response = await workerd.dispatchFetch('http://utils/', {
    method: 'POST',
    body: JSON.stringify({ call, args }),
  })
  return Object(await response.json()).result
}

const pkcs8 = {
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
} as const
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve, ...pkcs8 })

describe('utils in workerd and in Node', () => {
  const jwt = createJwtUtils(() => new Date())
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048, ...pkcs8 })

  it.each([
    ['HS256', { privateKey: 's'.repeat(32), publicKey: 's'.repeat(32) }],
    ['RS384', rsa],
    ['PS256', rsa],
    ['PS512', rsa],
    ['ES256', ec('prime256v1')],
    ['ES512', ec('secp521r1')],
  ])('verify the %s tokens of each other', async (method, { privateKey, publicKey }) => {
    const claims = { sub: 'u1' }
    const token = await inWorkerd('encode', method, claims, privateKey)
    expect(jwt.decode(String(token), publicKey)).toEqual(claims)
    expect(await inWorkerd('decode', jwt.encode(method, claims, privateKey), publicKey)).toEqual(claims)
  })

  it.each(['pss', 'pkcs1v15'])('verify the RSA signatures of each other, scheme %s', async (scheme) => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
      publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
    })
    const signature = cryptoUtils.sign('rsa', 'message', privateKey, scheme).toBase64()
    expect(await inWorkerd('verify', 'rsa', 'message', publicKey, { base64: signature }, scheme)).toBe(true)
    expect(await inWorkerd('verify', 'rsa', 'other', publicKey, { base64: signature }, scheme)).toBe(false)
  })

  it('decrypt what the documentation encrypted, and hash alike', async () => {
    const encrypted = { base64: 'WPBuIvJ6Bity43Uh822dW8QlVYVJaFUiDeUjlTiJXzptUuTYIKPlXekBQAJb' }
    expect(await inWorkerd('decrypt', 'aes', encrypted, '603082712271C525E087BD999A4E0738')).toEqual({
      base64: btoa('MongoDB is great!'),
    })
    expect(await inWorkerd('hash', 'md5', 'hello!')).toEqual({ base64: cryptoUtils.hash('md5', 'hello!').toBase64() })
  })
})
