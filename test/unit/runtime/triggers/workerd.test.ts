import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { MongoClient } from 'mongodb'
import { afterAll, expect, it } from 'vitest'
import { bundleWorker } from '../../../../cli/build/bundle.ts'
import { repositoryRoot } from '../../../../cli/own-app.ts'
import { startWorkerEdge } from '../../../../local/worker-host.ts'
import { captureLine } from '../../../support/captured-log.ts'
import { startTestDatabase } from '../../../support/database.ts'
import { until } from './support.ts'

const server = await startTestDatabase()
const client = await MongoClient.connect(server.uri)
const database = `trigger_workerd_${process.pid}`
const app = `${database}-local`

afterAll(async () => {
  await client.db(database).dropDatabase()
  await client.close()
  await server.close()
})

const record = (effect: string) => `exports = async (event) => {
  const effects = context.services.get('mongodb-atlas').db('${database}').collection('effects')
  await effects.insertOne(${effect})
}`

const files: Record<string, unknown> = {
  'realm_config.json': { config_version: 20210101, name: database },
  'data_sources/mongodb-atlas/config.json': { name: 'mongodb-atlas', type: 'mongodb-atlas', config: {} },
  'functions/config.json': [
    { name: 'onInsert', private: true },
    { name: 'onMinute', private: true },
  ],
  'functions/onInsert.js': record('{ _id: event.documentKey._id, text: event.fullDocument.text }'),
  'functions/onMinute.js': record(`{ _id: 'minute', arguments: typeof event }`),
  'triggers/inserts.json': {
    name: 'inserts',
    type: 'DATABASE',
    config: { service_name: 'mongodb-atlas', database, collection: 'source', operation_types: ['INSERT'] },
    event_processors: { FUNCTION: { config: { function_name: 'onInsert' } } },
  },
  'triggers/minutes.json': {
    name: 'minutes',
    type: 'SCHEDULED',
    config: { schedule: '* * * * *' },
    event_processors: { FUNCTION: { config: { function_name: 'onMinute' } } },
  },
}

async function writeApp(folder: string): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true })
    await writeFile(path.join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
  }
}

it.runIf(server.changeStreams)('a Durable Object woken by the cron runs streams and schedules', async () => {
  const work = path.join(repositoryRoot, '.atlas-edge', 'run')
  await mkdir(work, { recursive: true })
  const folder = await mkdtemp(path.join(work, 'trigger-test-'))
  try {
    await writeApp(path.join(folder, 'app'))
    const { outFile } = await bundleWorker({
      entry: path.join(repositoryRoot, 'edge', 'worker.ts'),
      appDir: path.join(folder, 'app'),
      outDir: path.join(folder, 'out'),
      progress: () => {},
    })
    const edge = await startWorkerEdge({
      bundle: outFile,
      uri: server.uri,
      port: 0,
      secrets: { EDGE_SIGNING_KEY: 'k'.repeat(32) },
      onLog: captureLine,
    })
    try {
      await edge.runScheduled()
      await client
        .db(database)
        .collection<{ _id: number }>('source')
        .insertOne({ _id: 1, text: 'hello' } as { _id: number })
      const effects = client.db(database).collection('effects')
      await until(async () => (await effects.countDocuments()) === 2)
      expect(await effects.find().sort({ _id: 1 }).toArray()).toEqual([
        { _id: 1, text: 'hello' },
        { _id: 'minute', arguments: 'undefined' },
      ])
    } finally {
      await edge.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
    for (const name of ['triggers', 'trigger_leases', 'trigger_runs'])
      await client
        .db('atlas_edge')
        .collection<{ _id: string }>(name)
        .deleteMany({ _id: { $regex: `^${app}/` } })
  }
})
