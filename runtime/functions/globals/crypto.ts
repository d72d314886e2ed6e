import { Binary } from 'bson'
import { createBody, type FunctionBinary } from './binary.ts'
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSign,
  createVerify,
  randomBytes,
} from './node-crypto.ts'

const nonceBytes = 12
const tagBytes = 16
/** The documentation names no digest for RSA signatures; this is the one of its JWT methods. */
const rsaDigest = 'sha256'
const rsaDigestBytes = 32

/** Bytes of a string (UTF-8) or of a binary. */
export function bytesOf(value: unknown, what: string): Uint8Array {
  if (typeof value === 'string') return new TextEncoder().encode(value)
  if (value instanceof Binary) return value.value()
  if (value instanceof Uint8Array) return value
  throw new TypeError(`${what} must be a string or a BSON.Binary`)
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}

function assertMethod(method: unknown, allowed: readonly string[], call: string): void {
  if (typeof method !== 'string' || !allowed.includes(method))
    throw new Error(`${call}: unknown method "${String(method)}"; there are: ${allowed.join(', ')}`)
}

function aesKey(key: unknown): { bytes: Uint8Array; algorithm: string } {
  const bytes = bytesOf(key, 'the key')
  if (![16, 24, 32].includes(bytes.length)) throw new Error('the key of "aes" must be 16, 24 or 32 bytes long')
  return { bytes, algorithm: `aes-${bytes.length * 8}-gcm` }
}

/** AES-GCM: nonce, ciphertext and tag in one binary. */
function encrypt(method: string, plaintext: unknown, key: unknown): FunctionBinary {
  assertMethod(method, ['aes'], 'utils.crypto.encrypt')
  const { bytes, algorithm } = aesKey(key)
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(algorithm, bytes, nonce)
  const ciphertext = [cipher.update(bytesOf(plaintext, 'the text')), cipher.final()]
  return createBody(concat([nonce, ...ciphertext, cipher.getAuthTag()]))
}

function decrypt(method: string, encrypted: unknown, key: unknown): FunctionBinary {
  assertMethod(method, ['aes'], 'utils.crypto.decrypt')
  const { bytes, algorithm } = aesKey(key)
  const input = bytesOf(encrypted, 'the encrypted text')
  if (input.length < nonceBytes + tagBytes) throw new Error('utils.crypto.decrypt: the encrypted text is too short')
  const decipher = createDecipheriv(algorithm, bytes, input.subarray(0, nonceBytes))
  decipher.setAuthTag(input.subarray(input.length - tagBytes))
  try {
    return createBody(concat([decipher.update(input.subarray(nonceBytes, input.length - tagBytes)), decipher.final()]))
  } catch {
    throw new Error('utils.crypto.decrypt: wrong key or damaged text')
  }
}

/** PSS with a salt as long as the digest, in bytes, since workerd reads the named constants differently. */
function rsaPadding(scheme: unknown): { padding: number; saltLength?: number } {
  if (scheme === undefined || scheme === 'pss')
    return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: rsaDigestBytes }
  if (scheme === 'pkcs1v15') return { padding: constants.RSA_PKCS1_PADDING }
  throw new Error(`unknown signature scheme "${String(scheme)}"; there are: pss, pkcs1v15`)
}

/** Keys go as text: workerd takes no key object beside a padding. */
function signMessage(method: string, message: unknown, privateKey: string, scheme?: string): FunctionBinary {
  assertMethod(method, ['rsa'], 'utils.crypto.sign')
  const key = { key: String(privateKey), ...rsaPadding(scheme) }
  return createBody(createSign(rsaDigest).update(bytesOf(message, 'the message')).sign(key))
}

function verifyMessage(
  method: string,
  message: unknown,
  publicKey: string,
  signature: unknown,
  scheme?: string,
): boolean {
  assertMethod(method, ['rsa'], 'utils.crypto.verify')
  const key = { key: String(publicKey), ...rsaPadding(scheme) }
  return createVerify(rsaDigest)
    .update(bytesOf(message, 'the message'))
    .verify(key, bytesOf(signature, 'the signature'))
}

function hmac(input: unknown, secret: unknown, digest: string, format: string): string {
  assertMethod(digest, ['sha1', 'sha256', 'sha512'], 'utils.crypto.hmac')
  assertMethod(format, ['hex', 'base64'], 'utils.crypto.hmac')
  const bytes = createHmac(digest, bytesOf(secret, 'the secret')).update(bytesOf(input, 'the input')).digest()
  const binary = createBody(bytes)
  return format === 'hex' ? binary.toHex() : binary.toBase64()
}

function hash(digest: string, input: unknown): FunctionBinary {
  assertMethod(digest, ['sha1', 'sha256', 'md5'], 'utils.crypto.hash')
  return createBody(createHash(digest).update(bytesOf(input, 'the input')).digest())
}

/** `utils.crypto` (spec: function runtime 4). */
export const cryptoUtils = Object.freeze({
  encrypt,
  decrypt,
  sign: signMessage,
  verify: verifyMessage,
  hmac,
  hash,
})
