import { createRequire } from 'node:module'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { repositoryRoot } from '../../cli/own-app.ts'
import { managementLine, postLogin, postLogs } from '../support/auth0-messages.ts'
import { type OwnEdge, startOwnEdge, syncSecret } from '../support/own-edge.ts'

const require = createRequire(import.meta.url)
const actions = path.join(repositoryRoot, 'connectors/auth0-action/actions')
type Action = (event: unknown, api: unknown) => Promise<void>
const login: Action = require(path.join(actions, 'sync-login/code.js')).onExecutePostLogin
const registration: Action = require(path.join(actions, 'sync-registration/code.js')).onExecutePostUserRegistration

let edge: OwnEdge
const sent: { body: string; signature: string }[] = []
const logged: string[] = []
beforeAll(async () => {
  edge = await startOwnEdge()
}, 60_000)
afterAll(() => edge?.close())
beforeEach(async () => {
  await edge.db.collection('users').deleteMany({})
  await edge.db.collection('analytics_events').deleteMany({})
  sent.length = 0
  logged.length = 0
  vi.spyOn(console, 'log').mockImplementation((line) => void logged.push(String(line)))
  const real = globalThis.fetch
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (url, init) => {
    const headers = new Headers(init?.headers)
    if (headers.has('idempotency-key'))
      sent.push({ body: String(init?.body), signature: headers.get('endpoint-signature') ?? '' })
    return real(url, init)
  })
  return () => vi.restoreAllMocks()
})

const namespace = 'https://acme.example/'

function createEvent(changes: Record<string, unknown> = {}, secret = syncSecret) {
  return {
    secrets: { EDGE_URL: edge.endpoint, EDGE_SYNC_SECRET: secret, CLAIMS_NAMESPACE: namespace },
    tenant: { id: 'acme' },
    user: { user_id: 'auth0|ada', email: 'ada@acme.example', email_verified: true, name: 'Ada' },
    authorization: { roles: ['analyst'] },
    connection: { name: 'db' },
    client: { client_id: 'spa', metadata: {} },
    stats: { logins_count: 1 },
    transaction: { protocol: 'oidc-basic-profile' },
    ...changes,
  }
}

async function run(event: unknown): Promise<{ claims: Record<string, unknown>; denied: string[] }> {
  const claims: Record<string, unknown> = {}
  const denied: string[] = []
  await login(event, {
    access: { deny: (reason: string) => denied.push(reason) },
    accessToken: { setCustomClaim: (name: string, value: unknown) => (claims[name.slice(namespace.length)] = value) },
    idToken: { setCustomClaim: () => {} },
  })
  return { claims, denied }
}

const users = () => edge.db.collection('users')
const synced = (role: string, roles: string[]) => ({
  claims: { role, roles, tenant: 'acme', synced: true },
  denied: [],
})

describe('the Actions that users paste, against the edge', () => {
  it('parallel first logins, with a registration among them, leave one row and claim the same role', async () => {
    const [first, ...others] = await Promise.all([
      ...Array.from({ length: 20 }, () => run(createEvent())),
      registration(createEvent(), undefined),
    ])
    expect(logged).toEqual([])
    expect([first, ...others.slice(0, 19)]).toEqual(Array.from({ length: 20 }, () => synced('analyst', ['analyst'])))
    expect(await users().find().toArray()).toMatchObject([{ auth0_id: 'auth0|ada', role: 'analyst', is_active: true }])
    expect(await edge.db.collection('analytics_events').countDocuments()).toBe(1)
  })

  it('a replay of what the Action sent changes nothing, and a tampered body is refused', async () => {
    await run(createEvent())
    const stored = await users().findOne()
    const { body, signature } = sent[0] ?? { body: '', signature: '' }
    expect(await postLogin(edge, body, signature)).toMatchObject({ status: 200 })
    expect(await postLogin(edge, body.replace('analyst', 'admin'), signature)).toMatchObject({ status: 401 })
    expect(await users().find().toArray()).toEqual([stored])
  })

  it('logs in without address, organisation, authorisation or client metadata', async () => {
    const bare = { user: { user_id: 'sms|1' }, authorization: undefined, organization: undefined, client: undefined }
    expect(await run(createEvent(bare))).toEqual(synced('viewer', []))
    expect(await users().findOne()).not.toHaveProperty('email')
  })

  it('claims the role that an admin has set, not the one that Auth0 assigned', async () => {
    await run(createEvent())
    await users().updateOne({}, { $set: { role: 'viewer' } })
    expect(await run(createEvent())).toEqual(synced('viewer', ['analyst']))
  })

  it('denies who was blocked, with no claim', async () => {
    await run(createEvent())
    await postLogs(
      edge,
      JSON.stringify(managementLine('PATCH', 'auth0|ada', new Date().toISOString(), { blocked: true })),
    )
    expect(await run(createEvent())).toEqual({ claims: {}, denied: ['Account is disabled'] })
  })

  it('with a wrong secret lets the login go on without a role, and logs one line without personal data', async () => {
    const { claims, denied } = await run(createEvent({}, 'another secret'))
    expect({ claims, denied }).toEqual({ claims: { roles: ['analyst'], tenant: 'acme', synced: false }, denied: [] })
    expect(logged).toEqual([expect.stringMatching(/^atlas-edge sync failed: status 401 event=[0-9a-f-]{36}$/)])
    expect(await users().countDocuments()).toBe(0)
  })
})
