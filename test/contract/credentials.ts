import { SignJWT } from 'jose'
import { ObjectId } from 'mongodb'
import { type EdgeUnderTest, wireApp, wireSecrets } from './edge-under-test.ts'

/** Everything a case may prove to be somebody with; cases name them as `{{name}}`. */
export interface Credentials {
  key: string
  email: string
  password: string
  jwt: string
  /** Valid, of a subject that no case logs in. */
  jwtOfNobody: string
  expiredJwt: string
  otherAppJwt: string
  accessToken: string
  refreshToken: string
  revokedToken: string
  forgedToken: string
}

const client = '/api/client/v2.0'

export async function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
}

export function signJwt(subject: string, claims: Record<string, unknown> = {}, audience = wireApp, expires = '5m') {
  return new SignJWT({ user_data: { name: subject }, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(subject)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime(expires)
    .sign(new TextEncoder().encode(wireSecrets.tokenKey))
}

/** Registers and logs in, over HTTP alone, so that it works on any edge that serves the app. */
export async function makeCredentials(edge: EdgeUnderTest): Promise<Credentials> {
  const email = `user-${new ObjectId().toHexString()}@example.org`
  const password = 'correct horse'
  const auth = `${edge.url}${client}/app/${wireApp}/auth/providers`
  await post(`${auth}/local-userpass/register`, { email, password })
  const login = async () => {
    const { status, body } = await post(`${auth}/local-userpass/login`, { username: email, password })
    if (status !== 200) throw new Error(`the login answered ${status}: ${JSON.stringify(body)}`)
    return body
  }
  const session = await login()
  const revoked = await login()
  await fetch(`${edge.url}${client}/auth/session`, {
    method: 'DELETE',
    headers: { Authorization: `Bearer ${revoked.refresh_token}` },
  })
  const [header, payload] = session.access_token.split('.')
  return {
    key: edge.key,
    email,
    password,
    jwt: await signJwt(new ObjectId().toHexString()),
    jwtOfNobody: await signJwt(new ObjectId().toHexString()),
    expiredJwt: await signJwt('late', {}, wireApp, '-1m'),
    otherAppJwt: await signJwt('stranger', {}, 'other-abcde'),
    accessToken: session.access_token,
    refreshToken: session.refresh_token,
    revokedToken: revoked.access_token,
    forgedToken: `${header}.${payload}.${'A'.repeat(43)}`,
  }
}
