import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answered, loginBody, postLogin, sign } from '../support/auth0-messages.ts'
import { type OwnEdge, startOwnEdge, syncSecret } from '../support/own-edge.ts'

let edge: OwnEdge
beforeAll(async () => {
  edge = await startOwnEdge({
    values: {
      auth0Tenants: ['acme'],
      auth0Organisations: { org_one: 'tenant-one' },
      auth0RoleRules: {
        default_role: 'viewer',
        role_names: { analyst: 'analyst', admin: 'admin' },
        staff_domains: [
          { domain: 'acme.example', connection: 'acme-saml', role: 'analyst' },
          { domain: 'greedy.example', connection: 'greedy-saml', role: 'admin' },
        ],
      },
    },
  })
}, 60_000)
afterAll(() => edge.close())
beforeEach(async () => {
  for (const name of ['users', 'analytics_events', 'audit_events', 'auth0_sync_events', 'subscriptions'])
    await edge.db.collection(name).deleteMany({})
})

const users = () => edge.db.collection('users')
const login = (changes?: Record<string, unknown>): Promise<Answered> => postLogin(edge, loginBody(changes))
const accepted = (role: string, is_active = true, auth0_id = 'auth0|ada'): Answered => ({
  status: 200,
  body: { auth0_id, role, is_active },
})
const refused = expect.objectContaining({ error_code: 'IncomingWebhookAuthFailed' })
const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString()

describe('POST /auth0/users', () => {
  it('stores the person, the login and an activity event', async () => {
    const occurred_at = minutesAgo(1)
    expect(await login({ occurred_at, roles: ['Analyst'] })).toEqual(accepted('analyst'))
    const row = await users().findOne({ auth0_id: 'auth0|ada' })
    expect(row).toMatchObject({
      email: 'ada@acme.example',
      email_verified: true,
      display_name: 'Ada',
      connection: 'Username-Password-Authentication',
      tenant: 'acme',
      role: 'analyst',
      role_assigned: 'analyst',
      is_active: true,
      last_login: new Date(occurred_at),
      created_at: new Date(occurred_at),
    })
    expect(await edge.db.collection('analytics_events').find().toArray()).toEqual([
      {
        _id: expect.anything(),
        event_type: 'login',
        user_id: row?._id,
        timestamp: new Date(occurred_at),
        received_at: expect.any(Date),
        properties: {},
      },
    ])
  })

  it.each([
    ['none', ''],
    ['of another secret', sign('{}', 'other')],
    ['without its prefix', sign('{}').slice(7)],
  ])('refuses a signature: %s', async (_name, signature) => {
    expect(await postLogin(edge, '{}', signature)).toEqual({ status: 401, body: refused })
    expect(await users().countDocuments()).toBe(0)
  })

  it('refuses a body that was tampered with', async () => {
    const body = JSON.stringify(loginBody({ roles: ['viewer'] }))
    expect(await postLogin(edge, body.replace('viewer', 'admin'), sign(body))).toEqual({ status: 401, body: refused })
    expect(await users().countDocuments()).toBe(0)
  })

  it('accepts the previous secret while it is changed', async () => {
    const body = JSON.stringify(loginBody())
    expect(await postLogin(edge, body, sign(body, `previous-${syncSecret}`))).toEqual(accepted('viewer'))
  })

  it.each([
    ['is older than five minutes', -301, 401],
    ['comes from a clock far ahead', 302, 401],
    ['is nearly five minutes old', -295, 200],
  ])('answers a signed body that %s', async (_name, seconds, status) => {
    expect(await login({ iat: Math.floor(Date.now() / 1000) + seconds })).toMatchObject({ status })
    expect(await users().countDocuments()).toBe(status === 200 ? 1 : 0)
  })

  it.each([
    ['another tenant', 'evil'],
    ['no tenant', undefined],
  ])('refuses a signed body of %s', async (_name, tenant) => {
    expect(await login({ tenant })).toEqual({ status: 401, body: refused })
    expect(await users().countDocuments()).toBe(0)
  })

  it.each([
    ['no JSON', '{'],
    ['an array', '[]'],
    ['no auth0_id', loginBody({ auth0_id: undefined })],
    ['a query in place of an id', loginBody({ auth0_id: { $ne: '' } })],
    ['no event_id', loginBody({ event_id: undefined })],
    ['iat as text', loginBody({ iat: 'now' })],
    ['roles as text', loginBody({ roles: 'admin' })],
    ['email_verified as text', loginBody({ email_verified: 'true' })],
    ['a time that is none', loginBody({ occurred_at: 'yesterday' })],
  ])('answers 422 to %s', async (_name, body) => {
    expect(await postLogin(edge, body)).toEqual({
      status: 422,
      body: { error: expect.any(String), error_code: 'InvalidParameter' },
    })
  })

  it('does a repeated call once, and refuses the same event_id with another body', async () => {
    const body = loginBody({ occurred_at: undefined })
    expect(await postLogin(edge, body)).toEqual(accepted('viewer'))
    const stored = await users().findOne()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await postLogin(edge, body)).toEqual(accepted('viewer'))
    expect(await users().findOne()).toEqual(stored)
    expect(await edge.db.collection('analytics_events').countDocuments()).toBe(1)
    expect(await postLogin(edge, { ...body, roles: ['admin'] })).toMatchObject({ status: 409 })
    expect(await users().findOne()).toEqual(stored)
  })

  it('leaves one row after fifty first logins at once', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => login({ roles: ['analyst'] })))
    expect(answers).toEqual(answers.map(() => accepted('analyst')))
    expect(await users().countDocuments()).toBe(1)
    expect(await edge.db.collection('analytics_events').countDocuments()).toBe(1)
  })

  it.each([
    ['raised by an admin', 'admin', []],
    ['lowered by an admin', 'viewer', ['admin']],
  ])('never touches a role that was %s', async (_name, role, roles) => {
    await login({ roles: ['analyst'] })
    await users().updateOne({}, { $set: { role } })
    expect(await login({ roles })).toEqual(accepted(role))
    expect(await login({ roles: ['analyst'] })).toEqual(accepted(role))
  })

  it('never touches a role that was stored before the person logged in, and gives one to a row without', async () => {
    await users().insertMany(
      [
        { auth0_id: 'auth0|set', role: 'admin' },
        { auth0_id: 'auth0|none', created_at: new Date(), role: null },
      ],
      { bypassDocumentValidation: true },
    )
    expect(await login({ auth0_id: 'auth0|set', roles: ['analyst'] })).toEqual(accepted('admin', true, 'auth0|set'))
    expect(await login({ auth0_id: 'auth0|none', roles: ['analyst'] })).toEqual(accepted('analyst', true, 'auth0|none'))
  })

  it('moves a role that no admin set with the roles of Auth0, and traces each change once', async () => {
    await login()
    expect(await login({ roles: ['analyst'] })).toEqual(accepted('analyst'))
    expect(await login({ roles: ['analyst', 'admin'] })).toEqual(accepted('admin'))
    expect(await login()).toEqual(accepted('viewer'))
    const trace = await edge.db.collection('audit_events').find().sort({ at: 1 }).toArray()
    expect(trace.map(({ action, subject, from, to }) => ({ action, subject, from, to }))).toEqual([
      { action: 'role_changed', subject: 'auth0|ada', from: 'viewer', to: 'analyst' },
      { action: 'role_changed', subject: 'auth0|ada', from: 'analyst', to: 'admin' },
      { action: 'role_changed', subject: 'auth0|ada', from: 'admin', to: 'viewer' },
    ])
  })

  it.each([
    ['verified, of its connection', { email: 'a@ACME.example', connection: 'acme-saml' }, 'analyst'],
    ['not verified', { email: 'a@acme.example', connection: 'acme-saml', email_verified: false }, 'viewer'],
    ['not known to be verified', { email: 'a@acme.example', connection: 'acme-saml', email_verified: null }, 'viewer'],
    ['of a sign-up form', { email: 'a@acme.example' }, 'viewer'],
    ['that only ends alike', { email: 'a@evilacme.example', connection: 'acme-saml' }, 'viewer'],
    ['whose domain would make an admin', { email: 'a@greedy.example', connection: 'greedy-saml' }, 'viewer'],
    ['with a role from nobody', { roles: ['constructor', '__proto__'] }, 'viewer'],
    ['that is missing', { email: null, email_verified: null }, 'viewer'],
  ])('gives a staff address %s its role', async (_name, changes, role) => {
    expect(await login(changes)).toEqual(accepted(role))
  })

  it('follows a changed address and name, and never a late message', async () => {
    const now = Date.now()
    await login({ occurred_at: new Date(now - 60_000).toISOString() })
    await login({
      email: 'ada@new.example',
      email_verified: false,
      name: 'Ada L',
      occurred_at: new Date(now).toISOString(),
    })
    await login({ name: 'Late', occurred_at: new Date(now - 30_000).toISOString() })
    expect(await users().findOne()).toMatchObject({
      email: 'ada@new.example',
      email_verified: false,
      display_name: 'Ada L',
      last_login: new Date(now),
    })
  })

  it('does not believe a time far from the signature: it would freeze the row', async () => {
    await login({ occurred_at: '2999-01-01T00:00:00Z', name: 'Future' })
    await new Promise((resolve) => setTimeout(resolve, 1100))
    await login({ name: 'Ada', occurred_at: undefined })
    const row = await users().findOne()
    expect(row).toMatchObject({ display_name: 'Ada' })
    expect(Number(row?.last_login)).toBeLessThanOrEqual(Date.now())
  })

  it('stores text that looks like an operator as text', async () => {
    await login({ name: '$auth0_id', email: '$role' })
    expect(await users().findOne()).toMatchObject({ display_name: '$auth0_id', email: '$role' })
  })

  it('answers that an inactive person may not come in, and counts no login', async () => {
    await users().insertOne({ auth0_id: 'auth0|ada', role: 'admin', is_active: false, created_at: new Date() })
    expect(await login()).toEqual(accepted('admin', false))
    expect(await edge.db.collection('analytics_events').countDocuments()).toBe(0)
    expect(await users().findOne()).not.toHaveProperty('last_login')
  })

  it('lets a deleted person in only with an account that is younger than the deletion', async () => {
    const gone = { deleted_at: new Date(Date.now() - 60_000), deleted_by: 'auth0', inactive_by: 'auth0' }
    await users().insertOne({
      auth0_id: 'auth0|ada',
      role: 'viewer',
      is_active: false,
      created_at: new Date(minutesAgo(9000)),
      ...gone,
    })
    expect(await login()).toEqual(accepted('viewer', false))
    expect(await login({ created_at: minutesAgo(9000) })).toEqual(accepted('viewer', false))
    expect(await login({ created_at: minutesAgo(0.5) })).toEqual(accepted('viewer'))
    expect(await users().findOne()).not.toHaveProperty('deleted_at')
  })

  it('accepts a registration without an address, and takes no role from it', async () => {
    const body = { type: 'registration', auth0_id: 'sms|1', email: undefined, roles: undefined }
    expect(await login(body)).toEqual(accepted('viewer', true, 'sms|1'))
    expect(await login({ ...body, roles: ['admin'] })).toEqual(accepted('viewer', true, 'sms|1'))
    expect(await edge.db.collection('analytics_events').countDocuments()).toBe(0)
    expect(await users().findOne()).not.toHaveProperty('email')
  })
})

describe('accounts that Auth0 has linked', () => {
  const both = [
    { provider: 'auth0', user_id: 'ada', connection: 'db' },
    { provider: 'google-oauth2', user_id: '77', connection: 'google-oauth2' },
  ]
  const google = { auth0_id: 'google-oauth2|77', name: 'Ada G', connection: 'google-oauth2' }

  async function twoRows(): Promise<void> {
    await login({ occurred_at: minutesAgo(4.9) })
    await login({ ...google, occurred_at: minutesAgo(2) })
    const linked = await users().findOne({ auth0_id: google.auth0_id })
    await edge.db
      .collection('subscriptions')
      .insertOne({ user_id: linked?._id, status: 'active', mrr: 10 }, { bypassDocumentValidation: true })
  }

  it('become one row that keeps activity, subscriptions, the earliest start and the role of the primary', async () => {
    await twoRows()
    await users().updateOne({ auth0_id: google.auth0_id }, { $set: { role: 'admin', created_at: new Date(1000) } })
    expect(await login({ identities: both })).toEqual(accepted('viewer'))
    const rows = await users().find().toArray()
    expect(rows).toHaveLength(1)
    expect(rows[0]).toMatchObject({
      auth0_id: 'auth0|ada',
      role: 'viewer',
      created_at: new Date(1000),
      identities: [{ user_id: 'google-oauth2|77' }],
    })
    const owners = async (name: string) => edge.db.collection(name).distinct('user_id')
    expect(await owners('analytics_events')).toEqual([rows[0]?._id])
    expect(await owners('subscriptions')).toEqual([rows[0]?._id])
    expect(await edge.db.collection('analytics_events').countDocuments()).toBeGreaterThanOrEqual(2)
    expect(await edge.db.collection('audit_events').countDocuments({ action: 'users_merged' })).toBe(1)
  })

  it('are joined once by parallel logins', async () => {
    await twoRows()
    const answers = await Promise.all(Array.from({ length: 10 }, () => login({ identities: both })))
    expect(answers).toEqual(answers.map(() => accepted('viewer')))
    expect(await users().find().toArray()).toMatchObject([{ identities: [{ user_id: 'google-oauth2|77' }] }])
    expect(await edge.db.collection('audit_events').countDocuments({ action: 'users_merged' })).toBe(1)
  })

  it('are not joined through an address that is not verified', async () => {
    await twoRows()
    await login({ identities: both, email_verified: false })
    expect(await users().countDocuments()).toBe(2)
  })

  it('do not bring back who was blocked', async () => {
    await twoRows()
    await users().updateOne({ auth0_id: google.auth0_id }, { $set: { is_active: false } })
    expect(await login({ identities: both })).toEqual(accepted('viewer', false))
  })

  it('follow a change of the primary account', async () => {
    await login({ identities: both, roles: ['analyst'] })
    const switched = await login({ ...google, identities: both, roles: ['analyst'] })
    expect(switched).toEqual(accepted('analyst', true, 'google-oauth2|77'))
    expect(await users().find().toArray()).toMatchObject([
      { auth0_id: 'google-oauth2|77', identities: [{ user_id: 'auth0|ada' }] },
    ])
  })

  it('lose the role of the other once they are unlinked', async () => {
    await login({ identities: both, roles: ['admin'] })
    expect(await login({ ...google, identities: [both[1]] })).toEqual(accepted('viewer', true, 'google-oauth2|77'))
    expect(await users().countDocuments()).toBe(2)
    expect(await users().findOne({ auth0_id: 'auth0|ada' })).toMatchObject({ role: 'admin', identities: [] })
  })
})

describe('organisations', () => {
  it('map to a tenant, and a role in one is none in another', async () => {
    expect(await login({ org_id: 'org_one', roles: ['admin'] })).toEqual(accepted('admin'))
    expect(await login({ org_id: 'org_two', roles: [] })).toEqual(accepted('viewer'))
    expect(await login({ org_id: 'org_one', roles: ['admin'] })).toEqual(accepted('admin'))
    expect(await users().findOne()).toMatchObject({
      organisations: ['org_one', 'org_two'],
      tenants: ['tenant-one'],
      organisation_roles: { org_one: 'admin', org_two: 'viewer' },
    })
  })

  it('whose id would be a path are not stored', async () => {
    expect(await login({ org_id: 'a.role', event_id: randomUUID() })).toEqual(accepted('viewer'))
    expect(await users().findOne()).not.toHaveProperty('organisations')
  })
})
