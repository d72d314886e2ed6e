import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EdgeSettingsInput } from '../../schemas/edge-settings.ts'
import { startTestDatabase, type TestDatabase } from '../support/database.ts'
import { expectNoSecrets } from '../support/log-secrecy.ts'
import {
  type HostKind,
  hostKinds,
  type IdentityEdge,
  identityApp,
  removeBundle,
  startIdentityEdge,
} from './identity-edge.ts'

const limit = 20
const settings: EdgeSettingsInput = {
  limits: [
    { name: 'login-address', door: 'login', per: 'address', limit, windowSeconds: 600 },
    { name: 'read-key', door: 'read', per: 'key', limit: 3, windowSeconds: 600 },
  ],
}

interface Process {
  url: string
  close(): Promise<void>
}

/** The same app in a process of its own. */
async function startSecond(kind: HostKind, uri: string): Promise<Process> {
  if (kind === 'workerd') return startIdentityEdge('workerd', uri, settings)
  const file = path.join(import.meta.dirname, 'limit-process.ts')
  const child = spawn(process.execPath, [file, uri, JSON.stringify(settings)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = await once(child.stdout, 'data')
  return {
    url: String(line).trim(),
    async close() {
      child.stdin.end()
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

describe.each(hostKinds)('limits on %s', (kind) => {
  let database: TestDatabase
  let client: MongoClient
  let edge: IdentityEdge
  let second: Process
  beforeAll(async () => {
    database = await startTestDatabase()
    client = new MongoClient(database.uri)
    ;[edge, second] = await Promise.all([
      startIdentityEdge(kind, database.uri, settings),
      startSecond(kind, database.uri),
    ])
  }, 60_000)
  afterAll(async () => {
    await Promise.all([edge?.close(), second?.close()])
    await client?.close()
    await database?.close()
    await removeBundle()
  })

  const forget = () => client.db('atlas_edge').collection('limits').deleteMany({})
  const login = (url: string) =>
    fetch(`${url}/api/client/v2.0/app/${identityApp}/auth/providers/anon-user/login`, { method: 'POST', body: '{}' })

  it('lets exactly the limit of 200 parallel hits on two processes pass, ten times in a row', async () => {
    const passed: number[] = []
    for (let run = 0; run < 10; run++) {
      await forget()
      const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => login(i % 2 ? edge.url : second.url)))
      const statuses = answers.map(({ status }) => status)
      expect(new Set(statuses)).toEqual(new Set([200, 429]))
      passed.push(statuses.filter((status) => status === 200).length)
      await Promise.all(answers.map((answer) => answer.arrayBuffer()))
    }
    expect(passed).toEqual(Array.from({ length: 10 }, () => limit))
  })

  it('tells where a client stands, and when to come back; refused hits are not counted', async () => {
    await forget()
    const first = await login(edge.url)
    expect([first.headers.get('ratelimit-policy'), first.headers.get('ratelimit')]).toEqual([
      `"login-address";q=${limit};w=600`,
      expect.stringMatching(/^"login-address";r=19;t=(599|600)$/),
    ])
    for (let i = 1; i < limit; i++) await login(second.url)
    const refused = await Promise.all(Array.from({ length: 5 }, () => login(edge.url)))
    expect(refused.map(({ status }) => status)).toEqual([429, 429, 429, 429, 429])
    const [answer] = refused
    const seconds = Number(answer?.headers.get('retry-after'))
    expect(answer?.headers.get('ratelimit')).toBe(`"login-address";r=0;t=${seconds}`)
    expect(seconds).toBeGreaterThan(500)
    expect(await answer?.json()).toMatchObject({ error: 'too many requests' })
    const [stored] = await client.db('atlas_edge').collection('limits').find().toArray()
    expect([stored?.hits.length, stored?._id]).toEqual([limit, expect.stringMatching(/^[0-9a-f]{64}$/)])
  })

  it('forgets a hit when it leaves the window', async () => {
    await forget()
    for (let i = 0; i < limit; i++) await login(edge.url)
    expect((await login(edge.url)).status).toBe(429)
    // All but one of the hits become as old as the window.
    const hits = client.db('atlas_edge').collection('limits')
    const [stored] = await hits.find().toArray()
    const old = stored?.hits.map((at: Date, i: number) => (i === limit - 1 ? at : new Date(at.getTime() - 600_000)))
    await hits.updateOne({ _id: stored?._id }, { $set: { hits: old } })
    expect((await login(edge.url)).headers.get('ratelimit')).toMatch(/^"login-address";r=18;/)
  })

  it('counts reads by key in memory, apart for each key', async () => {
    const read = (key: string) =>
      fetch(`${edge.url}/app/${identityApp}/endpoint/me`, { headers: { 'api-key': key } }).then(({ status }) => status)
    const statuses = []
    for (let i = 0; i < 5; i++) statuses.push(await read(`${kind} one`))
    expect(statuses).toEqual([401, 401, 401, 429, 429])
    expect(await read(`${kind} other`)).toBe(401)
  })

  it('has logged no address and no secret', () => {
    expect(edge.lines.some((line) => line.includes('login-address'))).toBe(true)
    expectNoSecrets(edge.lines)
  })
})
