import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { MongoClient } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { ApiKeyStore } from '../../runtime/users/api-key-store.ts'
import { openUserState } from '../../runtime/users/state.ts'
import { until } from '../unit/runtime/triggers/support.ts'
import { type Child, startChild } from './support/child.ts'
import { Load } from './support/load.ts'
import { buildSoakApp, hostKinds, type SoakApp } from './support/soak-app.ts'
import { watchIds } from './support/watcher.ts'

const restarts = Number(process.env.SOAK_RESTARTS ?? 20)
/** Every so many outages one is longer than the driver waits for a server. */
const longEvery = 4
const flappingEvery = 3
/** Writes that must be acknowledged after an outage before the next one. */
const recovered = 10

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

function startDatabase(port: string, folder: string): Promise<Child> {
  return startChild('database-process.ts', [port, folder])
}

async function makeKey(client: MongoClient, app: SoakApp): Promise<string> {
  const keys = new ApiKeyStore(openUserState(client, app.clientAppId))
  return (await keys.createServerKey('soak', {}, new Date())).key
}

describe.each(hostKinds)('an edge on %s whose database is killed', (kind) => {
  it(`answers rightly or 503, loses nothing and goes on unaided, ${restarts} times`, async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'soak-restart-'))
    const app = await buildSoakApp(kind, `trigger_restart_${kind}`)
    let database = await startDatabase('0', folder)
    const port = database.line
    const uri = `mongodb://127.0.0.1:${port}/?replicaSet=rs0`
    const client = new MongoClient(uri, { serverSelectionTimeoutMS: 5_000 })
    let host: Child | undefined
    try {
      const key = await makeKey(client, app)
      host = await startChild('host-process.ts', [kind, app.artefact, uri, 'host'])
      const load = new Load({ url: host.line, app, key })
      const watcher = await watchIds(host.line, app)
      load.start()
      for (let n = 0; n < restarts; n++) {
        await sleep(300 + Math.random() * 700)
        await database.kill()
        await sleep(n % longEvery === longEvery - 1 ? 4_000 + Math.random() * 2_000 : Math.random() * 300)
        database = await startDatabase(port, folder)
        // Some outages follow each other so fast that nothing recovers in between.
        const before = load.acknowledged.size
        if (n % flappingEvery !== 0) await until(() => load.acknowledged.size >= before + recovered, 30_000)
      }
      await sleep(500)
      await load.stop()

      if (load.wrong.length > 0)
        console.error(host.said.filter((text) => !/Mongo|database unavailable/.test(text)).join(''))
      expect(load.wrong).toEqual([])
      const written = [...load.acknowledged].sort((a, b) => a - b)
      const idsOf = async (name: string, field: string) => {
        const ids: number[] = await client.db(app.database).collection(name).distinct(field)
        return ids.sort((a, b) => a - b)
      }
      const delivered = async () => (await idsOf('effects', 'doc')).length >= written.length
      await until(delivered, 60_000).catch((error) => {
        console.error(host?.said.filter((text) => text.includes('"trigger"')).join(''))
        throw error
      })
      expect(await idsOf('source', '_id')).toEqual(written)
      expect(await idsOf('effects', 'doc')).toEqual(written)
      // What is missing, the comparison tells.
      await until(() => watcher.seen.size >= written.length, 30_000).catch(() => {})
      expect([watcher.opened, [...watcher.seen].sort((a, b) => a - b)]).toEqual([1, written])
      expect((await fetch(`${host.line}/ready`)).status).toBe(200)
      console.log(`${kind}: ${written.length} writes, ${load.unavailable} answers 503, ${restarts} restarts`)
      watcher.close()
    } finally {
      await client.close()
      await host?.kill()
      await database.kill()
      await app.remove()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
