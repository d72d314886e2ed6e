import { SignJWT, UnsecuredJWT } from 'jose'
import { ObjectId } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTokens } from '../../runtime/users/tokens.ts'
import { type Answered, attackBodies, deeplyNested, findBy } from './attack-bodies.ts'
import { send } from './contract-case.ts'
import { type Credentials, makeCredentials, signJwt } from './credentials.ts'
import {
  type EdgeUnderTest,
  hostKinds,
  startEdgeUnderTest,
  wireApp,
  wireSecrets,
  wireSigningKey,
} from './edge-under-test.ts'
import { gapsWithoutChangeStreams } from './known-gaps.ts'

const client = '/api/client/v2.0'
const providers = `${client}/app/${wireApp}/auth/providers`
const link = expect.stringMatching(/^https?:\/\/\S+\/logs\?co_id=[\w.-]+$/)
const refusal = (status: number, error: string, error_code: string) => [status, { error, error_code, link }]

const failed = refusal(401, 'Authentication failed', 'AuthError')
const unauthorized = refusal(401, 'unauthorized', 'AuthError')
const wrongPassword = refusal(401, 'unauthorized', 'InvalidPassword')
const invalidSession = refusal(401, 'invalid session', 'InvalidSession')
const noUser = refusal(401, 'invalid session: error finding user for endpoint', 'InvalidSession')
const required = (name: string) => refusal(400, `'${name}' is a required string`, 'BadRequest')
const noProvider = (name: string) =>
  refusal(404, `authentication provider not found: '${name}'`, 'AuthProviderNotFound')
const badEmail = refusal(
  400,
  "'email' must have at most 320 characters, none of them a control character",
  'BadRequest',
)
const badBody = (text: string) => refusal(400, `invalid request body: ${text}`, 'BadRequest')
const isObject = badBody('expected an object')

function expected(answered: Answered): unknown[] {
  if (answered === 'nothing found') return [200, { documents: [] }]
  if ('body' in answered) return badBody(answered.body)
  if ('noRule' in answered)
    return refusal(403, `no rule exists for namespace '${answered.noRule}'`, 'NoMatchingRuleFound')
  return refusal(400, `Failed to find documents: ${JSON.parse(`"${answered.failed}"`)}`, 'MongoDBError')
}

/** What is posted to the path of a provider, and what is answered. */
const logins: readonly [path: string, what: string, body: string, answer: unknown[]][] = [
  ['local-userpass/login', 'operators', '{"username":{"$ne":null},"password":{"$ne":null}}', wrongPassword],
  ['local-userpass/login', 'lists', '{"username":["a"],"password":["b"]}', wrongPassword],
  ['local-userpass/login', 'NULs', '{"username":"a\\u0000","password":"b\\u0000"}', wrongPassword],
  ['local-userpass/login', 'a prototype', '{"__proto__":{"username":"a","password":"b"}}', wrongPassword],
  [
    'local-userpass/login',
    'a wrapper',
    '{"username":{"$oid":"64ff00000000000000000001"},"password":"x"}',
    wrongPassword,
  ],
  ['local-userpass/login', 'a broken wrapper', '{"username":{"$oid":"x"}}', badBody('invalid value for $oid')],
  ['local-userpass/login', 'what is nested deeply', deeplyNested, badBody('nested deeper than 200 levels')],
  ['local-userpass/login', 'a name twice', '{"username":"a","username":"b"}', badBody('duplicate key "username"')],
  ['local-userpass/login', 'a list', '[]', isObject],
  ['local-userpass/register', 'operators', '{"email":{"$ne":null},"password":{"$ne":null}}', required('email')],
  [
    'local-userpass/register',
    'a control character',
    '{"email":"a\\u0000@example.org","password":"password"}',
    badEmail,
  ],
  [
    'local-userpass/register',
    'a name of 321 letters',
    `{"email":"${'a'.repeat(321)}","password":"password"}`,
    badEmail,
  ],
  [
    'local-userpass/register',
    'a password of 129 letters',
    `{"email":"a@example.org","password":"${'x'.repeat(129)}"}`,
    refusal(400, 'password must be between 6 and 128 characters', 'BadRequest'),
  ],
  ['local-userpass/confirm', 'operators', '{"token":{"$ne":1},"tokenId":{"$ne":1}}', required('token')],
  ['local-userpass/confirm/send', 'an operator', '{"email":{"$ne":1}}', required('email')],
  ['local-userpass/confirm/call', 'an operator', '{"email":{"$ne":1}}', required('email')],
  [
    'local-userpass/reset',
    'operators',
    '{"token":{"$ne":1},"tokenId":{"$ne":1},"password":"password"}',
    required('token'),
  ],
  ['local-userpass/reset/send', 'an operator', '{"email":{"$ne":1}}', required('email')],
  ['local-userpass/reset/call', 'an operator', '{"email":{"$ne":1},"password":"password"}', required('email')],
  ['api-key/login', 'an operator', '{"key":{"$ne":null}}', unauthorized],
  ['api-key/login', 'a key of 100,000 letters', `{"key":"${'k'.repeat(100_000)}"}`, unauthorized],
  ['custom-token/login', 'an operator', '{"token":{"$ne":null}}', unauthorized],
  ['custom-function/login', 'an operator', '{"username":{"$ne":null}}', failed],
  ['custom-function/login', 'a prototype', '{"__proto__":{"username":"magic"}}', failed],
  ['anon-user/login', 'a list', '[]', isObject],
  ['__proto__/login', 'the name of a prototype', '{}', noProvider('__proto__')],
  ['%00/login', 'a NUL in the path', '{}', noProvider('\u0000')],
]

const noFunction = (name: string) => refusal(404, `function not found: '${name}'`, 'FunctionNotFound')
const noCommand = (name: string) => refusal(400, `service command not found: '${name}'`, 'ServiceCommandNotFound')
/** The body of a call; the arguments as text. */
const call = (name: unknown, args = '[]') => `{"name":${JSON.stringify(name)},"arguments":${args}}`
const serviceCall = (name: string, args: string, service = 'mongodb-atlas') =>
  `{"name":"${name}","service":"${service}","arguments":${args}}`
const things = '[{"database":"wire","collection":"x"}]'
const deepArguments = `[${'['.repeat(10_000)}${']'.repeat(10_000)}]`

/** What is posted as a function call, and what is answered. */
const calls: readonly [what: string, body: string, answer: unknown[]][] = [
  ['a function named __proto__', call('__proto__'), noFunction('__proto__')],
  ['a function outside the folder', call('../secret'), noFunction('../secret')],
  ['an operator as name', call({ $ne: 1 }), refusal(400, "'name' is a required string", 'MissingParameter')],
  ['arguments that are no list', call('sum', '{"a":1}'), refusal(400, "'arguments' must be an array", 'BadRequest')],
  ['arguments that are nested deeply', call('sum', deepArguments), badBody('nested deeper than 200 levels')],
  [
    'a service named __proto__',
    serviceCall('find', '[]', '__proto__'),
    refusal(400, "service not found: '__proto__'", 'ServiceNotFound'),
  ],
  ['a command named constructor', serviceCall('constructor', things), noCommand('constructor')],
  ['a command of the server', serviceCall('runCommand', things), noCommand('runCommand')],
  [
    'a service call of nothing',
    serviceCall('find', '[null]'),
    refusal(400, 'the first argument of a service call must be an object', 'BadRequest'),
  ],
]

describe.each(hostKinds)('attacks on %s', (kind) => {
  let edge: EdgeUnderTest
  let credentials: Credentials
  beforeAll(async () => {
    edge = await startEdgeUnderTest(kind)
    credentials = await makeCredentials(edge)
  })
  afterAll(() => edge?.close())

  async function ask(method: string, path: string, headers: Record<string, string>, body: string | Buffer = '') {
    const { status, text } = await send(edge.url + path, method, headers, Buffer.from(body))
    expect(text).not.toMatch(/node_modules|\n\s+at |\.ts:\d|mongodb:\/\//)
    return [status, text === '' ? undefined : JSON.parse(text)]
  }
  const find = (headers: Record<string, string>, body: string | Buffer = findBy('{}')) =>
    ask('POST', `/app/${wireApp}/endpoint/data/v1/action/find`, headers, body)

  it.for(attackBodies)('a body: $what', async ({ what, sent, headers, answered }, test) => {
    const gap = gapsWithoutChangeStreams[`a body: ${what}`]
    test.skip(!edge.changeStreams && gap !== undefined, gap)
    expect(await find({ apiKey: credentials.key, ...headers }, sent)).toEqual(expected(answered))
  })

  it.each(logins)('%s: %s', async (path, _what, body, answer) => {
    expect(await ask('POST', `${providers}/${path}`, { 'Content-Type': 'application/json' }, body)).toEqual(answer)
  })

  it.each(calls)('a call: %s', async (_what, body, answer) => {
    const headers = { Authorization: `Bearer ${credentials.accessToken}`, 'Content-Type': 'application/json' }
    expect(await ask('POST', `${client}/app/${wireApp}/functions/call`, headers, body)).toEqual(answer)
  })

  const parts = () => {
    const [header = '', payload = '', signature = ''] = credentials.accessToken.split('.')
    return { header, payload, signature, claims: JSON.parse(Buffer.from(payload, 'base64url').toString()) }
  }
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = (changes: object, now = new Date()) => {
    const { claims } = parts()
    const own = { app: wireApp, userId: claims.sub, sessionId: claims.iss, userData: undefined }
    return createTokens(wireSigningKey, () => now).signAccess({ ...own, ...changes, now })
  }
  const forgeries: Record<string, () => string | Promise<string>> = {
    'of a session that is none': () => signed({ sessionId: new ObjectId().toHexString() }),
    'of a user that is none': () => signed({ userId: '$ne' }),
    'of another app': () => signed({ app: 'other-abcde' }),
    'that has expired': () => signed({}, new Date(0)),
    'without an algorithm': () => `${encode({ alg: 'none' })}.${parts().payload}.`,
    'without an algorithm, signed': () => `${encode({ alg: 'none' })}.${parts().payload}.${parts().signature}`,
    'of another algorithm': () => `${encode({ alg: 'HS512' })}.${parts().payload}.${parts().signature}`,
    'with a critical extension': () => `${encode({ alg: 'HS256', crit: ['x'], x: 1 })}.${parts().payload}.x`,
    'of changed claims': () => `${parts().header}.${encode({ ...parts().claims, sub: 'x' })}.${parts().signature}`,
    'of two parts': () => `${parts().header}.${parts().payload}`,
    'of four parts': () => `${credentials.accessToken}.x`,
    'of 8,000 letters': () => 'a'.repeat(8_000),
    'that refreshes': () => credentials.refreshToken,
    'of an ended session': () => credentials.revokedToken,
  }
  // The key that signs is known of our own hosts alone.
  it.skipIf(kind === 'remote').each(Object.keys(forgeries))('an access token %s', async (name) => {
    const headers = { Authorization: `Bearer ${await forgeries[name]?.()}` }
    expect(await find({ ...headers, apiKey: credentials.key })).toEqual(invalidSession)
    expect(await ask('GET', `${client}/auth/profile`, headers)).toEqual(invalidSession)
  })

  const jwt = (alg = 'HS256') => new SignJWT({ user_data: { name: 'x' } }).setProtectedHeader({ alg }).setSubject('x')
  const sign = (token: SignJWT) => token.sign(new TextEncoder().encode(wireSecrets.tokenKey))
  const hour = 3_600
  const inAnHour = () => Math.floor(Date.now() / 1000) + hour
  const strangers: Record<string, () => string | Promise<string>> = {
    'without an algorithm': () =>
      new UnsecuredJWT({}).setSubject('x').setAudience(wireApp).setExpirationTime('5m').encode(),
    'of another algorithm': () => sign(jwt('HS512').setAudience(wireApp).setExpirationTime('5m')),
    'without an end': () => sign(jwt().setAudience(wireApp)),
    'that has expired': () => credentials.expiredJwt,
    'that is not valid yet': () => sign(jwt().setAudience(wireApp).setNotBefore(inAnHour()).setExpirationTime('2h')),
    'that will be issued': () => sign(jwt().setAudience(wireApp).setIssuedAt(inAnHour()).setExpirationTime('2h')),
    'of nobody': () => sign(jwt().setSubject('').setAudience(wireApp).setExpirationTime('5m')),
    'without what the app asks of it': () => signJwt('x', { user_data: {} }),
    'for another app': () => credentials.otherAppJwt,
    'that the edge signed': () => credentials.accessToken,
  }
  it.each(Object.keys(strangers))('a custom token %s', async (name) => {
    const token = (await strangers[name]?.()) ?? ''
    expect(await find({ jwtTokenString: token })).toEqual(noUser)
    expect(await ask('POST', `${providers}/custom-token/login`, {}, JSON.stringify({ token }))).toEqual(unauthorized)
  })

  it('takes the custom token of an issuer whose clock is a little ahead', async () => {
    const token = jwt()
      .setAudience(wireApp)
      .setIssuedAt(inAnHour() - hour + 60)
      .setExpirationTime('1h')
    const [status] = await ask(
      'POST',
      `${providers}/custom-token/login`,
      {},
      JSON.stringify({ token: await sign(token) }),
    )
    expect(status).toBe(200)
  })

  it('an access token does not refresh, and a forged one does not say what is wrong', async () => {
    const session = (token: string) => ask('POST', `${client}/auth/session`, { Authorization: `Bearer ${token}` })
    expect(await session(credentials.accessToken)).toEqual([
      401,
      { error: 'invalid refresh token: incorrect token type', link },
    ])
    expect(await session(credentials.forgedToken)).toEqual(invalidSession)
  })

  it.each([
    ['/app/%00/endpoint/data/v1/action/find', '\u0000'],
    ['/app/..%2f..%2fetc/endpoint/x', '../../etc'],
    [`${client}/app/__proto__/location`, '__proto__'],
  ])('an app that is none: %s', async (path, app) => {
    expect(await ask('GET', path, {})).toEqual([404, { error: `cannot find app using Client App ID '${app}'` }])
  })

  it('a query of prototypes is a query', async () => {
    const [status, body] = await ask('GET', `/app/${wireApp}/endpoint/echo?__proto__=1&constructor=2&a=%zz`, {})
    expect([status, Object.entries(body.query)]).toEqual([
      200,
      [
        ['__proto__', '1'],
        ['constructor', '2'],
        ['a', '%zz'],
      ],
    ])
  })
})
