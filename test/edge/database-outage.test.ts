import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type RunningDatabase, startDatabase } from '../../local/database/main.ts'
import { ApiKeyStore } from '../../runtime/users/api-key-store.ts'
import { openUserState } from '../../runtime/users/state.ts'
import { type HostKind, serveWire, wireApp } from '../contract/edge-under-test.ts'

// Both mostly wait for timeouts of the driver.
describe.concurrent.each<HostKind>(['node', 'workerd'])('%s when the database goes and comes back', (kind) => {
  let folder: string
  let database: RunningDatabase
  let edge: { url: string; close(): Promise<void> }
  let key: string

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'outage-'))
    database = await startDatabase({ port: 0, path: folder })
    const client = new MongoClient(database.uri)
    key = (await new ApiKeyStore(openUserState(client, wireApp)).createServerKey('outage', {}, new Date())).key
    await client.close()
    edge = await serveWire(kind, database.uri)
  })
  afterAll(async () => {
    await edge?.close()
    await database?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const act = (action: string, fields: object) =>
    fetch(`${edge.url}/app/${wireApp}/endpoint/data/v1/action/${action}`, {
      method: 'POST',
      headers: { apiKey: key },
      body: JSON.stringify({ dataSource: 'Cluster0', database: 'wire', collection: 'outage', ...fields }),
    })

  it('answers 503 with Retry-After while it is away, and goes on unaided', async ({ expect }) => {
    expect((await act('insertOne', { document: { _id: 1 } })).status).toBe(201)
    await database.close()
    const refused = await act('findOne', {})
    expect([refused.status, refused.headers.get('retry-after'), await refused.json()]).toEqual([
      503,
      '2',
      { error: 'database unavailable', error_code: 'MongoDBError', link: expect.any(String) },
    ])
    const ready = await fetch(`${edge.url}/ready`)
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { status: 'unavailable', reasons: ['the database does not answer'] },
    ])
    expect((await fetch(`${edge.url}/health`)).status).toBe(200)

    database = await startDatabase({ port: database.port, path: folder })
    await expect.poll(async () => (await act('findOne', {})).status, { timeout: 10_000, interval: 100 }).toBe(200)
    expect(await (await act('findOne', {})).json()).toEqual({ document: { _id: 1 } })
    expect((await fetch(`${edge.url}/ready`)).status).toBe(200)
  })
})
