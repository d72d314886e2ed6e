import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { createRequire } from 'node:module'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'

const root = path.resolve(import.meta.dirname, '../../../connectors/auth0-action/actions')
const require = createRequire(import.meta.url)

interface Received {
  headers: IncomingHttpHeaders
  raw: string
  body: Record<string, unknown>
}

type Answer = { status: number; body?: unknown; delayMs?: number }

/** The edge as the Action sees it: one route that answers what the test says, and remembers what it got. */
const received: Received[] = []
let answers: Answer[] = []
let edgeUrl = ''
const edge = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const raw = Buffer.concat(chunks).toString()
  received.push({ headers: request.headers, raw, body: JSON.parse(raw) })
  const answer = answers.length > 1 ? answers.shift()! : answers[0]!
  if (answer.delayMs) await new Promise((resolve) => setTimeout(resolve, answer.delayMs))
  response.writeHead(answer.status, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify(answer.body ?? {}))
})

beforeAll(async () => {
  await new Promise<void>((resolve) => edge.listen(0, '127.0.0.1', resolve))
  const address = edge.address()
  if (typeof address === 'object' && address !== null) edgeUrl = `http://127.0.0.1:${address.port}/app/x/endpoint`
})
afterAll(() => {
  edge.closeAllConnections()
  edge.close()
})

const namespace = 'https://acme.example/'
const secret = 'a-secret-of-the-test'

function createApi() {
  const cache = new Map<string, string>()
  const claims: Record<string, unknown> = {}
  const denied: string[] = []
  return {
    cacheEntries: cache,
    claims,
    denied,
    access: { deny: (reason: string) => denied.push(reason) },
    accessToken: { setCustomClaim: (name: string, value: unknown) => (claims[name] = value) },
    idToken: { setCustomClaim: (_name: string, _value: unknown) => {} },
    cache: {
      get: (key: string) =>
        cache.has(key)
          ? { type: 'success', record: { value: cache.get(key) } }
          : { type: 'error', code: 'CacheKeyDoesNotExist' },
      set: (key: string, value: string) => cache.set(key, value),
      delete: (key: string) => cache.delete(key),
    },
  }
}

function createEvent(changes: Record<string, unknown> = {}) {
  return {
    secrets: { EDGE_URL: edgeUrl, EDGE_SYNC_SECRET: secret, CLAIMS_NAMESPACE: namespace },
    tenant: { id: 'acme' },
    user: { user_id: 'auth0|ada', email: 'ada@acme.example', email_verified: true, name: 'Ada' },
    authorization: { roles: ['analyst'] },
    connection: { name: 'Username-Password-Authentication' },
    client: { client_id: 'spa', metadata: {} },
    stats: { logins_count: 3 },
    transaction: { protocol: 'oidc-basic-profile' },
    ...changes,
  }
}

type Action = (event: unknown, api: unknown) => Promise<void>
const postLogin: Action = require(path.join(root, 'sync-login/code.js')).onExecutePostLogin
const postRegistration: Action = require(path.join(root, 'sync-registration/code.js')).onExecutePostUserRegistration
const credentialsExchange: Action = require(path.join(root, 'machine-claims/code.js')).onExecuteCredentialsExchange

const logged: string[] = []
beforeEach(() => {
  received.length = 0
  logged.length = 0
  answers = [{ status: 200, body: { auth0_id: 'auth0|ada', role: 'analyst', is_active: true } }]
  vi.spyOn(console, 'log').mockImplementation((line) => void logged.push(String(line)))
  return () => vi.restoreAllMocks()
})

describe('the post-login Action', () => {
  it('signs the raw body and claims the role that the edge confirmed', async () => {
    const api = createApi()
    await postLogin(createEvent(), api)
    expect(received).toHaveLength(1)
    const { headers, raw, body } = received[0]!
    expect(headers['endpoint-signature']).toBe(`sha256=${createHmac('sha256', secret).update(raw).digest('hex')}`)
    expect(headers['idempotency-key']).toBe(`"${body.event_id}"`)
    expect(body).toMatchObject({
      type: 'login',
      tenant: 'acme',
      auth0_id: 'auth0|ada',
      email_verified: true,
      roles: ['analyst'],
    })
    expect(Math.abs(Number(body.iat) - Date.now() / 1000)).toBeLessThan(5)
    expect(api.claims).toEqual({
      [`${namespace}role`]: 'analyst',
      [`${namespace}roles`]: ['analyst'],
      [`${namespace}tenant`]: 'acme',
      [`${namespace}synced`]: true,
    })
    expect(logged).toEqual([])
  })

  it('lets a user without an address in', async () => {
    const api = createApi()
    await postLogin(createEvent({ user: { user_id: 'sms|1' } }), api)
    expect(received[0]!.body).toMatchObject({ auth0_id: 'sms|1' })
    expect(received[0]!.body).not.toHaveProperty('email')
    expect(api.claims[`${namespace}role`]).toBe('analyst')
  })

  it('leaves the decision about an unverified staff address to the edge', async () => {
    answers = [{ status: 200, body: { auth0_id: 'auth0|eve', role: 'viewer', is_active: true } }]
    const api = createApi()
    await postLogin(
      createEvent({ user: { user_id: 'auth0|eve', email: 'eve@acme.example', email_verified: false } }),
      api,
    )
    expect(received[0]!.body).toMatchObject({ email_verified: false })
    expect(api.claims[`${namespace}role`]).toBe('viewer')
  })

  it('gives up on a slow edge within its budget, and claims no role', async () => {
    answers = [{ status: 200, body: { role: 'admin', is_active: true }, delayMs: 6000 }]
    const api = createApi()
    const from = Date.now()
    await postLogin(createEvent(), api)
    expect(Date.now() - from).toBeLessThan(5000)
    expect(api.denied).toEqual([])
    expect(api.claims).toEqual({
      [`${namespace}roles`]: ['analyst'],
      [`${namespace}tenant`]: 'acme',
      [`${namespace}synced`]: false,
    })
  })

  it('asks a failing edge twice with the same event_id, then goes on without a role', async () => {
    answers = [{ status: 503 }]
    const api = createApi()
    await postLogin(createEvent(), api)
    expect(received.map(({ body }) => body.event_id)).toEqual([received[0]!.body.event_id, received[0]!.body.event_id])
    expect(api.denied).toEqual([])
    expect(api.claims).not.toHaveProperty(`${namespace}role`)
    expect(api.claims[`${namespace}synced`]).toBe(false)
  })

  it('recovers when the second try succeeds', async () => {
    answers = [{ status: 502 }, { status: 200, body: { role: 'admin', is_active: true } }]
    const api = createApi()
    await postLogin(createEvent(), api)
    expect(received).toHaveLength(2)
    expect(api.claims[`${namespace}role`]).toBe('admin')
  })

  it('denies an inactive user', async () => {
    answers = [{ status: 200, body: { auth0_id: 'auth0|ada', role: 'admin', is_active: false } }]
    const api = createApi()
    await postLogin(createEvent(), api)
    expect(api.denied).toEqual(['Account is disabled'])
    expect(api.claims).toEqual({})
  })

  it('makes no call for a refresh, and claims only a role confirmed within the last minutes', async () => {
    const api = createApi()
    await postLogin(createEvent(), api)
    await postLogin(createEvent({ transaction: { protocol: 'oauth2-refresh-token' } }), api)
    expect(received).toHaveLength(1)
    expect(api.claims[`${namespace}role`]).toBe('analyst')

    const cold = createApi()
    await postLogin(createEvent({ transaction: { protocol: 'oauth2-refresh-token' } }), cold)
    expect(received).toHaveLength(1)
    expect(cold.claims).toEqual({
      [`${namespace}roles`]: ['analyst'],
      [`${namespace}tenant`]: 'acme',
      [`${namespace}synced`]: false,
    })
  })

  it('does not repeat an unchanged profile, and does repeat a changed one', async () => {
    const api = createApi()
    await postLogin(createEvent(), api)
    await postLogin(createEvent(), api)
    expect(received).toHaveLength(1)
    await postLogin(
      createEvent({ user: { user_id: 'auth0|ada', email: 'new@acme.example', email_verified: true } }),
      api,
    )
    expect(received).toHaveLength(2)
    expect([...api.cacheEntries.keys()].every((key) => key.length <= 64)).toBe(true)
  })

  it('works without organisation, authorisation, client metadata and cache', async () => {
    const { cache: _cache, ...api } = createApi()
    await postLogin(createEvent({ authorization: undefined, organization: undefined, client: { client_id: 'x' } }), api)
    expect(api.claims).toEqual({
      [`${namespace}role`]: 'analyst',
      [`${namespace}roles`]: [],
      [`${namespace}tenant`]: 'acme',
      [`${namespace}synced`]: true,
    })
  })

  it('lets ordinary applications in when the edge refuses the signature, and not those that require the sync', async () => {
    answers = [{ status: 401 }]
    const ordinary = createApi()
    await postLogin(createEvent(), ordinary)
    expect(ordinary.denied).toEqual([])
    const strict = createApi()
    await postLogin(createEvent({ client: { client_id: 'x', metadata: { require_sync: 'true' } } }), strict)
    expect(strict.denied).toHaveLength(1)
    expect(received).toHaveLength(2)
  })

  it('writes one short log line without personal data', async () => {
    answers = [{ status: 500 }]
    await postLogin(createEvent(), createApi())
    expect(logged).toHaveLength(1)
    expect(logged[0]!.length).toBeLessThanOrEqual(256)
    expect(logged[0]).not.toMatch(/ada|acme|auth0\||secret|127\.0\.0\.1/)
  })

  it('never claims a role that it does not know', async () => {
    answers = [{ status: 200, body: { role: 'superuser', is_active: true } }]
    const api = createApi()
    await postLogin(createEvent(), api)
    expect(api.claims).not.toHaveProperty(`${namespace}role`)
  })
})

describe('the companions of the Action', () => {
  it('tell the edge of a registration without vouching for the address', async () => {
    await postRegistration(createEvent(), undefined)
    expect(received[0]!.body).toMatchObject({ type: 'registration', auth0_id: 'auth0|ada', email_verified: false })
  })

  it('mark machine tokens, and never with the role admin', async () => {
    const api = createApi()
    await credentialsExchange(
      createEvent({ client: { client_id: 'm2m', metadata: { tenant: 't1', role: 'admin' } } }),
      api,
    )
    expect(api.claims).toEqual({ [`${namespace}service`]: 'm2m', [`${namespace}tenant`]: 't1' })
  })
})
