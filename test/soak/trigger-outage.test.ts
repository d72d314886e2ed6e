import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { MongoClient } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { ApiKeyStore } from '../../runtime/users/api-key-store.ts'
import { openUserState } from '../../runtime/users/state.ts'
import { until } from '../unit/runtime/triggers/support.ts'
import { type Child, startChild } from './support/child.ts'
import { Load } from './support/load.ts'
import { buildSoakApp, hostKinds } from './support/soak-app.ts'
import { watchIds } from './support/watcher.ts'

const outageMs = Number(process.env.SOAK_OUTAGE_SECONDS ?? 90) * 1_000
const minuteMs = 60_000

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Stands where a database was: ends every connection, and counts them. */
async function startRefusing(port: number) {
  let attempts = 0
  const server = createServer((socket) => {
    attempts++
    socket.on('error', () => {})
    socket.destroy()
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    get attempts() {
      return attempts
    },
    close: () => new Promise((resolve) => server.close(resolve)),
  }
}

interface Outage {
  readonly name: string
  /** The longest that any answer may take: what the driver needs to notice, and a margin for a busy machine. */
  readonly slowestMs: number
  /** Takes the database away for a while. @returns the database that is there afterwards, and how often it was sought */
  run(database: Child, restart: () => Promise<Child>): Promise<{ database: Child; attempts: number | undefined }>
}

const outages: Outage[] = [
  {
    name: 'gone',
    slowestMs: 12_000,
    async run(database, restart) {
      await database.kill()
      const refusing = await startRefusing(Number(database.line))
      await sleep(outageMs)
      const { attempts } = refusing
      await refusing.close()
      return { database: await restart(), attempts }
    },
  },
  {
    name: 'silent',
    slowestMs: 25_000,
    async run(database) {
      database.signal('SIGSTOP')
      await sleep(outageMs / 2)
      database.signal('SIGCONT')
      return { database, attempts: undefined }
    },
  },
]

describe.each(hostKinds)('an edge on %s', (kind) => {
  it.each(outages)('outlasts a database that is $name for minutes', async ({ name, slowestMs, run }) => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'soak-outage-'))
    const app = await buildSoakApp(kind, `trigger_outage_${kind}_${name}`)
    let database = await startChild('database-process.ts', ['0', folder])
    const port = database.line
    const uri = `mongodb://127.0.0.1:${port}/?replicaSet=rs0`
    const client = new MongoClient(uri, { serverSelectionTimeoutMS: 5_000 })
    let host: Child | undefined
    try {
      const keys = new ApiKeyStore(openUserState(client, app.clientAppId))
      const { key } = await keys.createServerKey('soak', {}, new Date())
      host = await startChild('host-process.ts', [kind, app.artefact, uri, 'host'])
      const load = new Load({ url: host.line, app, key })
      const watcher = await watchIds(host.line, app)
      load.start()
      await until(() => load.acknowledged.size >= 50, 30_000)
      const before = load.acknowledged.size

      const outage = await run(database, () => startChild('database-process.ts', [port, folder]))
      database = outage.database
      const backAt = Date.now()
      const since = () => Math.round((Date.now() - backAt) / 100) / 10
      await until(() => load.acknowledged.size >= before + 20, 30_000)
      const writesAfter = since()
      const ids = async (collection: string, field: string) => {
        const all: number[] = await client.db(app.database).collection(collection).distinct(field)
        return all.sort((a, b) => a - b)
      }
      await until(async () => (await ids('effects', 'doc')).length >= before + 20, 60_000)
      const triggersAfter = since()
      await until(() => watcher.seen.size >= before + 20, 60_000)
      const watchAfter = since()
      await load.stop()

      expect(load.wrong).toEqual([])
      expect(load.slowestMs).toBeLessThan(slowestMs)
      const written = [...load.acknowledged].sort((a, b) => a - b)
      await until(async () => (await ids('effects', 'doc')).length >= written.length, 60_000)
      expect(await ids('effects', 'doc')).toEqual(written)
      // What is missing, the comparison tells.
      await until(() => watcher.seen.size >= written.length, 60_000).catch(() => {})
      expect([watcher.opened, [...watcher.seen].sort((a, b) => a - b)]).toEqual([1, written])
      // The minutes that came while it was away are caught up by one run, and the next ones run.
      const ticksSince = () =>
        client
          .db(app.database)
          .collection('ticks')
          .countDocuments({ at: { $gte: new Date(backAt) } })
      await until(async () => (await ticksSince()) >= 1, minuteMs + 15_000)
      const perSecond = outage.attempts === undefined ? undefined : outage.attempts / (outageMs / 1_000)
      if (perSecond !== undefined) expect(perSecond).toBeLessThan(10)
      expect((await fetch(`${host.line}/ready`)).status).toBe(200)
      console.log(
        `${kind}, ${name}: ${written.length} writes, ${load.unavailable} answers 503, slowest ${Math.round(load.slowestMs)} ms; ` +
          `back after: writes ${writesAfter} s, triggers ${triggersAfter} s, watch ${watchAfter} s; ` +
          `connections sought a second: ${perSecond?.toFixed(1) ?? 'not counted'}`,
      )
      watcher.close()
    } finally {
      database.signal('SIGCONT')
      await client.close()
      await host?.kill()
      await database.kill()
      await app.remove()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
