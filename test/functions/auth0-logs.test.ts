import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { loginBody, logLine, managementLine, postLogin, postLogs } from '../support/auth0-messages.ts'
import { type OwnEdge, startOwnEdge } from '../support/own-edge.ts'

let edge: OwnEdge
beforeAll(async () => {
  edge = await startOwnEdge({ values: { auth0Tenants: ['acme'] } })
}, 60_000)
afterAll(() => edge.close())
beforeEach(async () => {
  for (const name of ['users', 'analytics_events', 'audit_events', 'auth0_sync_events'])
    await edge.db.collection(name).deleteMany({})
})

const users = () => edge.db.collection('users')
const ada = 'auth0|ada'
const at = (second: number): string => new Date(Date.UTC(2026, 9, 1, 12, 0, second)).toISOString()
const stored = { status: 204, body: undefined }
const send = (...messages: object[]) => postLogs(edge, JSON.stringify(messages))
/** The row without what differs from run to run. */
async function row() {
  const found = await users().findOne({}, { projection: { _id: 0, updated_at: 0 } })
  return found
}

function event(type: string, time: string, user: object): object {
  return { id: randomUUID(), source: 'urn:auth0:acme', specversion: '1.0', type, time, data: { object: user } }
}

describe('POST /auth0/logs', () => {
  it.each([
    ['a JSON array', (messages: object[]) => JSON.stringify(messages)],
    ['JSON lines', (messages: object[]) => `${messages.map((message) => JSON.stringify(message)).join('\n')}\r\n\n`],
    ['an indented array', (messages: object[]) => JSON.stringify(messages, null, 2)],
  ])('reads %s', async (_name, format) => {
    const lines = [logLine('s', ada, at(1), { user_name: 'ada@acme.example' }), logLine('s', 'sms|2', at(2))]
    expect(await postLogs(edge, format(lines))).toEqual(stored)
    expect(await users().distinct('auth0_id')).toEqual([ada, 'sms|2'])
    expect(await edge.db.collection('analytics_events').countDocuments({ event_type: 'login' })).toBe(2)
  })

  it('reads one object, and an empty body', async () => {
    expect(await postLogs(edge, JSON.stringify(logLine('ss', ada, at(1))))).toEqual(stored)
    expect(await row()).toMatchObject({ auth0_id: ada, role: 'viewer', created_at: new Date(at(1)) })
    expect(await postLogs(edge, '')).toEqual(stored)
  })

  it.each([
    ['no token', '', 401],
    ['another token', 'Bearer guess', 401],
    ['the token without its word', 'log-token-of-the-tests', 401],
  ])('refuses %s', async (_name, authorization, status) => {
    expect(await postLogs(edge, '[]', authorization)).toMatchObject({ status })
  })

  it.each([
    ['text', 'hello'],
    ['an array of numbers', '[1,2]'],
    ['lines of which one is broken', '{"log_id":"1"}\n{"log_id":'],
  ])('answers 422 to %s', async (_name, body) => {
    expect(await postLogs(edge, body)).toMatchObject({ status: 422 })
  })

  it('answers 413 to more than 1 MB, counted in bytes', async () => {
    expect(await postLogs(edge, JSON.stringify([{ text: 'ü'.repeat(600_000) }]))).toMatchObject({ status: 413 })
  })

  it('passes over what says nothing of a person, and what another tenant says', async () => {
    const foreign = logLine('s', ada, at(1), { tenant_name: 'evil' })
    const others = ['slo', 'sapi', 'constructor', 'f'].map((type) => logLine(type, ada, at(2)))
    expect(await send(foreign, ...others, {}, { data: null }, logLine('s', ada, 'never'))).toEqual(stored)
    expect(await users().countDocuments()).toBe(0)
  })

  it('leaves the same row in whatever order the lines arrive', async () => {
    const lines = [
      logLine('ss', ada, at(1), { user_name: 'ada@old.example', connection: 'db' }),
      logLine('sv', ada, at(2), { user_name: 'ada@old.example' }),
      logLine('s', ada, at(3), { user_name: 'ada@old.example' }),
      managementLine('PATCH', ada, at(4), { blocked: true }),
      managementLine('PATCH', ada, at(5), { blocked: false, name: 'Ada' }),
      managementLine('PATCH', ada, at(6), { email: 'ada@new.example', email_verified: true }),
    ]
    await send(...lines)
    const expected = await row()
    expect(expected).toMatchObject({
      email: 'ada@new.example',
      email_verified: true,
      display_name: 'Ada',
      connection: 'db',
      is_active: true,
      created_at: new Date(at(1)),
      last_login: new Date(at(3)),
    })
    for (let seed = 1; seed <= 20; seed++) {
      await users().deleteMany({})
      await edge.db.collection('auth0_sync_events').deleteMany({})
      const shuffled = lines
        .map((line, index) => ({ line, rank: ((index + 1) * 7919 * seed) % 31 }))
        .sort((a, b) => a.rank - b.rank)
      // Together, one by one, and in two halves.
      const parts =
        seed % 3 === 0
          ? [shuffled]
          : seed % 3 === 1
            ? shuffled.map((one) => [one])
            : [shuffled.slice(3), shuffled.slice(0, 3)]
      for (const part of parts) await send(...part.map(({ line }) => line))
      // What a blocked person's login would have counted depends on when we knew of the block.
      const { last_login: _, ...late } = { ...(await row()) }
      const { last_login: __, ...rest } = { ...expected }
      expect({ seed, ...late }).toEqual({ seed, ...rest })
    }
  })

  it('blocks, unblocks and deletes, with one trace each', async () => {
    await send(logLine('ss', ada, at(1)))
    await send(managementLine('PATCH', ada, at(2), { blocked: true }))
    expect(await row()).toMatchObject({ is_active: false, inactive_by: 'auth0' })
    await send(managementLine('PATCH', ada, at(3), { blocked: false }))
    expect(await row()).toMatchObject({ is_active: true })
    await send(logLine('sdu', ada, at(4)), managementLine('DELETE', ada, at(4)))
    expect(await row()).toMatchObject({ is_active: false, deleted_at: new Date(at(4)) })
    const trace = await edge.db.collection('audit_events').find().sort({ at: 1 }).toArray()
    expect(trace.map(({ action, subject }) => `${action} ${subject}`)).toEqual([
      `user_blocked ${ada}`,
      `user_unblocked ${ada}`,
      `user_deleted ${ada}`,
    ])
    expect(await postLogin(edge, loginBody())).toMatchObject({ body: { is_active: false } })
  })

  it('does not free whom an admin has disabled', async () => {
    await send(logLine('ss', ada, at(1)))
    await users().updateOne({}, { $set: { is_active: false } })
    await send(managementLine('PATCH', ada, at(2), { blocked: true }))
    await send(managementLine('PATCH', ada, at(3), { blocked: false }))
    expect(await row()).toMatchObject({ is_active: false })
  })

  it('does not block a person through an old line, or one about a linked account', async () => {
    const identities = [ada, 'google-oauth2|7']
    await postLogin(edge, loginBody({ identities }))
    await send(logLine('sdu', 'google-oauth2|7', new Date().toISOString()))
    expect(await row()).toMatchObject({ is_active: true })
    await send(managementLine('PATCH', ada, at(9), { blocked: false }))
    await send(managementLine('PATCH', ada, at(8), { blocked: true }))
    expect(await row()).toMatchObject({ is_active: true })
  })

  it('does a batch of duplicates once, in parallel too', async () => {
    const line = logLine('s', ada, at(1), { user_name: 'ada@acme.example' })
    const batch = JSON.stringify(Array.from({ length: 40 }, () => line))
    const answers = await Promise.all(Array.from({ length: 8 }, () => postLogs(edge, batch)))
    expect(answers).toEqual(answers.map(() => stored))
    expect(await users().countDocuments()).toBe(1)
    expect(await edge.db.collection('analytics_events').countDocuments()).toBe(1)
  })

  it('stores a thousand people of one call', async () => {
    const lines = Array.from({ length: 1000 }, (_, index) => logLine('s', `auth0|${index}`, at(1)))
    expect(await send(...lines)).toEqual(stored)
    expect(await users().countDocuments()).toBe(1000)
    expect(await edge.db.collection('analytics_events').countDocuments()).toBe(1000)
  })

  it('gives no role, not even to a verified address', async () => {
    await send(logLine('sv', ada, at(1), { user_name: 'ada@acme.example', connection: 'acme-saml' }))
    expect(await row()).toMatchObject({ role: 'viewer', email_verified: true })
  })

  it('keeps no address of a login line as verified', async () => {
    await send(logLine('s', ada, at(1), { user_name: 'ada@acme.example' }))
    expect(await row()).toMatchObject({ email: 'ada@acme.example', email_verified: false })
  })

  it('follows the events of an event stream: created, blocked, deleted, created again', async () => {
    const user = { user_id: ada, email: 'ada@acme.example', email_verified: true, created_at: at(1), updated_at: at(1) }
    await send(event('user.created', at(1), user))
    expect(await row()).toMatchObject({ email_verified: true, created_at: new Date(at(1)) })
    await send(event('user.updated', at(3), { ...user, blocked: true, updated_at: at(2) }))
    expect(await row()).toMatchObject({ is_active: false })
    const again = { ...user, created_at: at(9), updated_at: at(9) }
    await send(event('user.created', at(9), again), event('user.deleted', at(5), user))
    expect(await row()).toMatchObject({ is_active: true })
    expect(await row()).not.toHaveProperty('deleted_at')
  })
})
