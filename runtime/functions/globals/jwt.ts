import { createBody } from './binary.ts'
import { bytesOf } from './crypto.ts'
import {
  constants,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSign,
  createVerify,
  timingSafeEqual,
} from './node-crypto.ts'

interface Algorithm {
  readonly family: 'HS' | 'RS' | 'ES' | 'PS'
  readonly digest: string
}

function algorithmOf(name: unknown): Algorithm {
  const match = typeof name === 'string' ? /^(HS|RS|ES|PS)(256|384|512)$/.exec(name) : null
  if (match === null) throw new Error(`unsupported signing method "${String(name)}"`)
  return { family: match[1] as Algorithm['family'], digest: `sha${match[2]}` }
}

function base64Url(bytes: Uint8Array): string {
  return createBody(bytes).toBase64().replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

function fromBase64Url(text: string): Uint8Array {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new Error('the token is malformed')
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}

function parsePart(part: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(fromBase64Url(part)))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Reported below: the parser's text may quote the token.
  }
  throw new Error('the token is malformed')
}

function keyOptions({ family, digest }: Algorithm) {
  // RFC 7518 3.5: as long as the digest. In bytes, since workerd reads the named constants differently.
  if (family === 'PS') return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: Number(digest.slice(3)) / 8 }
  if (family === 'ES') return { dsaEncoding: 'ieee-p1363' as const }
  return { padding: constants.RSA_PKCS1_PADDING }
}

/** Key type of OpenSSL that each family needs; a mismatch must not sign with something else. */
function assertKeyType(algorithm: Algorithm, type: string | undefined): void {
  const expected = algorithm.family === 'ES' ? ['ec'] : ['rsa', 'rsa-pss']
  if (type === undefined || !expected.includes(type)) throw new Error('the key does not fit the signing method')
}

function hmacOf(algorithm: Algorithm, input: Uint8Array, secret: unknown): Uint8Array {
  const key = bytesOf(secret, 'the secret')
  // A public key used as an HMAC secret is how a forged HS256 token passes for an RS256 one.
  if (/-----BEGIN [A-Z ]*PUBLIC KEY-----/.test(String(secret)))
    throw new Error('a public key cannot be the secret of an HMAC signing method')
  return createHmac(algorithm.digest, key).update(input).digest()
}

function encode(
  method: string,
  payload: unknown,
  secret: unknown,
  customHeaderFields?: Record<string, unknown>,
): string {
  const algorithm = algorithmOf(method)
  const header = { alg: method, typ: 'JWT', ...customHeaderFields }
  const claims = typeof payload === 'string' ? payload : JSON.stringify(payload)
  const encoder = new TextEncoder()
  const signed = `${base64Url(encoder.encode(JSON.stringify(header)))}.${base64Url(encoder.encode(claims))}`
  const input = encoder.encode(signed)
  if (algorithm.family === 'HS') return `${signed}.${base64Url(hmacOf(algorithm, input, secret))}`
  const key = String(secret)
  assertKeyType(algorithm, createPrivateKey(key).asymmetricKeyType)
  return `${signed}.${base64Url(
    createSign(algorithm.digest)
      .update(input)
      .sign({ key, ...keyOptions(algorithm) }),
  )}`
}

function hasValidSignature(algorithm: Algorithm, input: Uint8Array, key: unknown, signature: Uint8Array): boolean {
  if (algorithm.family === 'HS') {
    const expected = hmacOf(algorithm, input, key)
    return expected.length === signature.length && timingSafeEqual(expected, signature)
  }
  const publicKey = String(key)
  assertKeyType(algorithm, createPublicKey(publicKey).asymmetricKeyType)
  return createVerify(algorithm.digest)
    .update(input)
    .verify({ key: publicKey, ...keyOptions(algorithm) }, signature)
}

function assertTimes(claims: Record<string, unknown>, nowSeconds: number): void {
  if (typeof claims.exp === 'number' && nowSeconds >= claims.exp) throw new Error('the token has expired')
  if (typeof claims.nbf === 'number' && nowSeconds < claims.nbf) throw new Error('the token is not valid yet')
}

/** `utils.jwt` of one run (spec: function runtime 4). @param now the clock that `exp` and `nbf` are held against */
export function createJwtUtils(now: () => Date) {
  function decode(
    token: string,
    key: unknown,
    returnHeader?: boolean,
    acceptedSigningMethods?: readonly string[],
  ): Record<string, unknown> {
    const parts = String(token).split('.')
    const [encodedHeader, encodedPayload, encodedSignature] = parts
    if (parts.length !== 3 || !encodedHeader || !encodedPayload || !encodedSignature)
      throw new Error('the token is malformed')
    const header = parsePart(encodedHeader)
    const algorithm = algorithmOf(header.alg)
    if (Array.isArray(acceptedSigningMethods) && !acceptedSigningMethods.includes(header.alg))
      throw new Error(`the signing method "${String(header.alg)}" is not accepted`)
    const input = new TextEncoder().encode(`${encodedHeader}.${encodedPayload}`)
    if (!hasValidSignature(algorithm, input, key, fromBase64Url(encodedSignature)))
      throw new Error('the signature of the token is invalid')
    const payload = parsePart(encodedPayload)
    assertTimes(payload, now().getTime() / 1000)
    return returnHeader === true ? { header, payload } : payload
  }
  return { encode, decode }
}
