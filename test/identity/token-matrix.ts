import { createHmac } from 'node:crypto'
import { exportSPKI, type JWTPayload } from 'jose'
import { audience, claimsOf, type Issuer, type SigningKey, seconds, sign } from './issuer.ts'

export interface MatrixWorld {
  readonly issuer: Issuer
  /** Not configured. */
  readonly otherIssuer: Issuer
  readonly ellipticIssuer: Issuer
  readonly current: SigningKey
  readonly next: SigningKey
  readonly elliptic: SigningKey
  /** Of another tenant, under the same `kid` as `current`. */
  readonly stranger: SigningKey
}

export interface MatrixRow {
  readonly name: string
  readonly token: (world: MatrixWorld) => string | Promise<string>
  /** The answer of both, unless `auth0` says what its server answers. */
  readonly status: 200 | 401
  /** Where the middleware accepts or refuses otherwise, and why that is right for the edge. */
  readonly auth0?: { status: number; because: string }
  /** Default RS256. */
  readonly algorithm?: 'RS256' | 'ES256'
}

const base64 = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

const good = (overrides: JWTPayload = {}, header = {}) => {
  return ({ issuer, current }: MatrixWorld) => sign(current, claimsOf(issuer.url, overrides), header)
}

/** The claim is that many seconds after the moment of signing. */
const timed = (claim: 'exp' | 'nbf' | 'iat', after: number) => (world: MatrixWorld) =>
  good({ [claim]: seconds() + after })(world)

async function signedWithPublicKey({ issuer, current }: MatrixWorld, secret: 'pem' | 'modulus'): Promise<string> {
  const key = secret === 'pem' ? await exportSPKI(current.publicKey) : (current.jwk.n ?? '')
  const input = `${base64({ alg: 'HS256', typ: 'JWT', kid: current.kid })}.${base64(claimsOf(issuer.url))}`
  return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`
}

function unsigned({ issuer, current }: MatrixWorld, algorithm: string): string {
  return `${base64({ alg: algorithm, typ: 'JWT', kid: current.kid })}.${base64(claimsOf(issuer.url))}.`
}

async function swapped(world: MatrixWorld, change: (payload: string) => string): Promise<string> {
  const [header, payload = '', signature] = (await good()(world)).split('.')
  return [header, base64(change(Buffer.from(payload, 'base64url').toString())), signature].join('.')
}

/** A signed payload that is no object of claims, or one that JSON can say in a way that claims cannot. */
async function signedText({ current }: MatrixWorld, payload: string, header: object = {}): Promise<string> {
  const input = `${base64({ alg: 'RS256', typ: 'JWT', kid: current.kid, ...header })}.${base64(payload)}`
  const bytes = await crypto.subtle.sign('RSASSA-PKCS1-v1_5', current.privateKey, new TextEncoder().encode(input))
  return `${input}.${Buffer.from(bytes).toString('base64url')}`
}

const withClaim = (name: string, value: unknown) => (world: MatrixWorld) =>
  signedText(world, JSON.stringify({ ...claimsOf(world.issuer.url), [name]: value }))

export const matrix: readonly MatrixRow[] = [
  { name: 'a good token', token: good(), status: 200 },
  {
    name: 'a good token under ES256',
    algorithm: 'ES256',
    token: (w) => sign(w.elliptic, claimsOf(w.ellipticIssuer.url)),
    status: 200,
  },
  {
    name: 'a key of the set whose algorithm is not allowed',
    token: (w) => sign(w.elliptic, claimsOf(w.issuer.url)),
    status: 401,
  },
  {
    name: 'the profile of RFC 9068',
    token: good({ azp: undefined, client_id: 'client-of-the-app', jti: 'one' }, { typ: 'at+jwt' }),
    status: 200,
  },
  { name: 'no typ', token: good({}, { typ: undefined }), status: 200 },
  { name: 'a machine', token: good({ sub: 'm2m-client@clients', gty: 'client-credentials' }), status: 200 },
  {
    name: 'an array audience with userinfo',
    token: (w) => good({ aud: [audience, `${w.issuer.url}userinfo`] })(w),
    status: 200,
  },
  {
    name: 'an array audience without this API',
    token: (w) => good({ aud: ['https://other.example/', `${w.issuer.url}userinfo`] })(w),
    status: 401,
  },
  { name: 'a wrong audience', token: good({ aud: 'https://other.example/' }), status: 401 },
  { name: 'an audience that only begins alike', token: good({ aud: `${audience}v2` }), status: 401 },
  { name: 'a missing audience', token: good({ aud: undefined }), status: 401 },
  { name: 'an empty audience', token: good({ aud: [] }), status: 401 },
  { name: 'an ID token', token: good({ aud: 'client-of-the-app', nonce: 'n', scope: undefined }), status: 401 },
  { name: 'an issuer without its slash', token: (w) => good({ iss: w.issuer.url.slice(0, -1) })(w), status: 401 },
  { name: 'an issuer in capitals', token: (w) => good({ iss: w.issuer.url.toUpperCase() })(w), status: 401 },
  { name: 'a missing issuer', token: good({ iss: undefined }), status: 401 },
  { name: 'another tenant with its own key', token: (w) => sign(w.stranger, claimsOf(w.otherIssuer.url)), status: 401 },
  {
    name: "another tenant's key under our key's name",
    token: (w) => sign(w.stranger, claimsOf(w.issuer.url)),
    status: 401,
  },
  { name: 'alg none', token: (w) => unsigned(w, 'none'), status: 401 },
  { name: 'alg None', token: (w) => unsigned(w, 'None'), status: 401 },
  { name: 'an empty signature', token: (w) => unsigned(w, 'RS256'), status: 401 },
  { name: 'HS256 signed with the public key', token: (w) => signedWithPublicKey(w, 'pem'), status: 401 },
  { name: 'HS256 signed with the modulus', token: (w) => signedWithPublicKey(w, 'modulus'), status: 401 },
  { name: 'an unknown kid', token: good({}, { kid: 'never-published' }), status: 401 },
  { name: 'no kid where the set has several keys', token: good({}, { kid: undefined }), status: 200 },
  // Two seconds of room on the side that a slow machine drifts to.
  { name: 'expired within the tolerance', token: timed('exp', -3), status: 200 },
  { name: 'expired beyond the tolerance', token: timed('exp', -6), status: 401 },
  { name: 'not yet valid, within the tolerance', token: timed('nbf', 5), status: 200 },
  { name: 'not yet valid, beyond the tolerance', token: timed('nbf', 8), status: 401 },
  {
    name: 'a tampered payload',
    token: (w) => swapped(w, (text) => text.replace('auth0|ada', 'auth0|eve')),
    status: 401,
  },
  { name: 'a missing expiry', token: good({ exp: undefined }), status: 401 },
  { name: 'an expiry in text', token: withClaim('exp', String(seconds() + 600)), status: 401 },
  { name: 'an audience within an array', token: withClaim('aud', [[audience]]), status: 401 },
  { name: 'an audience within an object', token: withClaim('aud', { 0: audience }), status: 401 },
  { name: 'an issuer within an array', token: (w) => withClaim('iss', [w.issuer.url])(w), status: 401 },
  {
    name: 'claims within an array',
    token: (w) => signedText(w, JSON.stringify([claimsOf(w.issuer.url)])),
    status: 401,
  },
  {
    name: 'claims within a string',
    token: (w) => signedText(w, JSON.stringify(JSON.stringify(claimsOf(w.issuer.url)))),
    status: 401,
  },
  { name: 'null for claims', token: (w) => signedText(w, 'null'), status: 401 },
  {
    name: 'a token within a token',
    token: async (w) => signedText(w, JSON.stringify(await good()(w)), { cty: 'JWT' }),
    status: 401,
  },
  {
    name: 'a wrong audience, then the right one, under one name',
    token: (w) =>
      signedText(w, JSON.stringify(claimsOf(w.issuer.url)).replace('{', '{"aud":"https://other.example/",')),
    status: 200,
  },
  {
    name: 'the right audience, then a wrong one, under one name',
    token: (w) =>
      signedText(w, JSON.stringify(claimsOf(w.issuer.url)).replace(/}$/, ',"aud":"https://other.example/"}')),
    status: 401,
  },
  {
    name: 'a prototype for claims',
    token: (w) => signedText(w, `{"__proto__":${JSON.stringify(claimsOf(w.issuer.url))}}`),
    status: 401,
  },
  {
    name: 'a key of its own in the header',
    token: (w) => sign({ ...w.stranger, kid: 'own' }, claimsOf(w.issuer.url), { jwk: w.stranger.jwk as never }),
    status: 401,
  },
  {
    name: 'a key set of its own in the header',
    token: (w) => sign(w.stranger, claimsOf(w.issuer.url), { jku: w.otherIssuer.jwksUri }),
    status: 401,
  },
  {
    name: 'a critical header that nobody knows',
    token: (w) => signedText(w, JSON.stringify(claimsOf(w.issuer.url)), { crit: ['x'], x: 1 }),
    status: 401,
  },
  { name: 'an encrypted token', token: () => `${base64({ alg: 'RSA-OAEP', enc: 'A256GCM' })}.a.b.c.d`, status: 401 },
  { name: 'an opaque token', token: () => 'opaque-0123456789abcdef', status: 401 },
  { name: 'three parts of nothing', token: () => 'a.b.c', status: 401 },
  {
    name: 'an oversized token',
    token: good({ padding: 'x'.repeat(17_000) }),
    status: 401,
    auth0: { status: 431, because: 'Node refuses such a header before the middleware sees it' },
  },
  {
    name: 'a token without a subject',
    token: good({ sub: undefined }),
    status: 401,
    auth0: { status: 200, because: 'the middleware leaves it open; nobody is nobody' },
  },
  {
    name: 'a token issued in the future',
    token: timed('iat', 60),
    status: 401,
    auth0: { status: 200, because: 'the middleware does not look at iat' },
  },
  {
    name: 'an ID token whose audience is this API',
    token: good({ nonce: 'n', at_hash: 'h' }),
    status: 401,
    auth0: { status: 200, because: 'the middleware does not tell the kinds apart' },
  },
  {
    name: 'a logout token',
    token: good({}, { typ: 'logout+jwt' }),
    status: 401,
    auth0: { status: 200, because: 'the middleware looks at typ only when strict' },
  },
]
