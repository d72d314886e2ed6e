import path from 'node:path'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundleWorker } from '../../cli/build/bundle.ts'
import { loadBuiltApp } from '../../cli/built-app.ts'
import { repositoryRoot } from '../../cli/own-app.ts'
import { startNodeEdge } from '../../edge/node.ts'
import { startWorkerEdge } from '../../local/worker-host.ts'
import { createTriggerRunner, TriggerStore } from '../../runtime/triggers/index.ts'
import type { HostKind } from '../contract/edge-under-test.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/app-folders.ts'
import { captureLine, captureLog } from '../support/captured-log.ts'
import { startTestDatabase, type TestDatabase } from '../support/database.ts'

const hourMs = 3_600_000
const secrets = { EDGE_SIGNING_KEY: 'k'.repeat(32) }

/** Half an hour from now: due each hour, and not while the test runs. */
const hourly = `${(new Date().getUTCMinutes() + 30) % 60} * * * *`

function files(database: string): Record<string, unknown> {
  const scheduled = (name: string, schedule: string, config: object = {}) => ({
    [`triggers/${name}.json`]: {
      name,
      type: 'SCHEDULED',
      config: { schedule, ...config },
      event_processors: { FUNCTION: { config: { function_name: name } } },
    },
    [`functions/${name}.js`]: `exports = async function () {
      const runs = context.services.get('mongodb-atlas').db('${database}').collection('runs')
      await runs.insertOne({ name: '${name}', arguments: arguments.length })
    }`,
  })
  return {
    'realm_config.json': { config_version: 20210101, name: database, app_id: `${database}-abcde` },
    'data_sources/mongodb-atlas/config.json': { name: 'mongodb-atlas', type: 'mongodb-atlas', config: {} },
    'functions/config.json': ['onInsert', 'missed', 'skipping', 'rare', 'broken'].map((name) => ({
      name,
      private: true,
    })),
    'functions/onInsert.js': `exports = async (event) => {
      const effects = context.services.get('mongodb-atlas').db('${database}').collection('effects')
      await effects.insertOne({ _id: event.documentKey._id })
    }`,
    'triggers/inserts.json': {
      name: 'inserts',
      type: 'DATABASE',
      config: { service_name: 'mongodb-atlas', database, collection: 'source', operation_types: ['INSERT'] },
      event_processors: { FUNCTION: { config: { function_name: 'onInsert' } } },
    },
    ...scheduled('missed', hourly),
    ...scheduled('skipping', hourly, { skip_catchup_events: true }),
    ...scheduled('rare', `0 0 29 2 ${(new Date().getUTCDay() + 3) % 7}`),
    ...scheduled('broken', 'L * * * *'),
  }
}

interface TriggerHost {
  readonly url: string
  close(): Promise<void>
}

/** Builds the app for a kind of host, and starts that as often as it is called. */
const prepare: Record<HostKind, (folder: string, uri: string) => Promise<() => Promise<TriggerHost>>> = {
  async node(folder, uri) {
    const { built } = await loadBuiltApp(folder)
    return async () => {
      const edge = await startNodeEdge({ built, uri, port: 0, secrets, log: captureLog })
      const runner = createTriggerRunner(edge.runtime, { leaseMs: 1_000 })
      await runner.start()
      return {
        url: edge.url,
        async close() {
          await runner.stop()
          await edge.close()
        },
      }
    }
  },
  async workerd(folder, uri) {
    const entry = path.join(repositoryRoot, 'edge', 'worker.ts')
    const { outFile } = await bundleWorker({ appDir: folder, entry, outDir: path.join(folder, 'out') })
    const settings = { triggerLeaseSeconds: 1 }
    return async () => {
      const edge = await startWorkerEdge({ bundle: outFile, uri, port: 0, secrets, settings, onLog: captureLine })
      await edge.runScheduled()
      return edge
    }
  },
}

describe.each<HostKind>(['node', 'workerd'])('triggers on %s', (kind) => {
  const database = `trigger_hosts_${kind}_${process.pid}`
  const app = `${database}-abcde`
  let server: TestDatabase
  let client: MongoClient
  let folder: TemporaryFolder
  let start: () => Promise<TriggerHost>
  let host: TriggerHost

  const positions = () => client.db('atlas_edge').collection<{ _id: string }>('triggers')

  beforeAll(async () => {
    server = await startTestDatabase()
    client = await MongoClient.connect(server.uri)
    folder = await temporaryFolder(files(database))
    start = await prepare[kind](folder.dir, server.uri)
    host = await start()
  })
  afterAll(async () => {
    await host?.close()
    for (const name of ['triggers', 'trigger_leases', 'trigger_runs'])
      await client
        .db('atlas_edge')
        .collection<{ _id: string }>(name)
        .deleteMany({ _id: { $regex: `^${app}/` } })
    await client?.db(database).dropDatabase()
    await client?.close()
    await server?.close()
    await folder?.remove()
  })

  const runs = () =>
    client
      .db(database)
      .collection('runs')
      .find({}, { projection: { _id: 0 } })
      .toArray()

  it('that were due several times while no host ran run once, unless they skip', async () => {
    const isSeen = { app, last_minute: { $exists: true } }
    await expect.poll(() => positions().countDocuments(isSeen), { timeout: 20_000 }).toBe(3)
    expect(await runs()).toEqual([])
    await host.close()
    await positions().updateMany(isSeen, { $set: { last_minute: new Date(Date.now() - 5 * hourMs) } })
    host = await start()
    await expect.poll(runs, { timeout: 20_000 }).toEqual([{ name: 'missed', arguments: 0 }])
  }, 60_000)

  it('that cannot run are named by /ready, and one that was suspended goes on when it is resumed', async (test) => {
    test.skip(!server.changeStreams, 'the server has no change streams')
    const source = client.db(database).collection<{ _id: number }>('source')
    const effects = () => client.db(database).collection('effects').find().sort({ _id: 1 }).toArray()
    const ready = async () => {
      const answer = await fetch(`${host.url}/ready`)
      return [answer.status, await answer.json()]
    }
    const broken = 'triggers broken: "L" is no minute: use 0 to 59'
    expect(await ready()).toEqual([200, { status: 'ready', reasons: [broken] }])

    await source.insertOne({ _id: 1 })
    await expect.poll(effects, { timeout: 20_000 }).toEqual([{ _id: 1 }])
    await source.drop()
    const suspended = 'triggers inserts: the watched collection or database was dropped or renamed'
    await expect.poll(ready, { timeout: 20_000 }).toEqual([
      200,
      {
        status: 'ready',
        reasons: expect.toSatisfy((all) => [...all].sort().join() === [broken, suspended].sort().join()),
      },
    ])
    await source.insertOne({ _id: 2 })

    expect(await new TriggerStore(client, app).resume('inserts', { withToken: true })).toBe(true)
    await expect.poll(effects, { timeout: 20_000 }).toEqual([{ _id: 1 }, { _id: 2 }])
    await source.insertOne({ _id: 3 })
    await expect.poll(effects, { timeout: 20_000 }).toEqual([{ _id: 1 }, { _id: 2 }, { _id: 3 }])
    await expect.poll(ready, { timeout: 20_000 }).toEqual([200, { status: 'ready', reasons: [broken] }])
  }, 60_000)
})
