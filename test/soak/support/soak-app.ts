import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { bundleWorker } from '../../../cli/build/bundle.ts'
import { buildApp } from '../../../cli/build/index.ts'
import { repositoryRoot } from '../../../cli/own-app.ts'
import type { HostKind } from '../../contract/edge-under-test.ts'
import { temporaryFolder } from '../../support/app-folders.ts'

export const hostKinds: readonly HostKind[] = ['node', 'workerd']

/** One delivery of a change by one host. Instants are that host's clock. */
export interface Delivery {
  /** Resume token of the change. */
  change: string
  doc: number
  seq: number
  /** Name of the host. */
  runner: string
  started_at: Date
  ended_at?: Date
}

export interface SoakApp {
  readonly clientAppId: string
  readonly database: string
  /** What the host's process loads: a module for Node, the Worker for workerd. */
  readonly artefact: string
  remove(): Promise<void>
}

/** Notes each delivery, applies an idempotent effect and notes the end. */
const record = (database: string) => `exports = async (event) => {
  const db = context.services.get('mongodb-atlas').db('${database}')
  const change = event._id._data
  const doc = event.documentKey._id
  const seq = event.operationType === 'insert' ? event.fullDocument.seq : event.updateDescription.updatedFields.seq
  const runner = context.values.get('runner')
  const { insertedId } = await db.collection('deliveries').insertOne({ change, doc, seq, runner, started_at: new Date() })
  await db.collection('effects').updateOne({ _id: change }, { $setOnInsert: { doc, seq } }, { upsert: true })
  await db.collection('deliveries').updateOne({ _id: insertedId }, { $set: { ended_at: new Date() } })
}`

const files = (database: string): Record<string, unknown> => ({
  'realm_config.json': { config_version: 20210101, app_id: `${database}-abcde`, name: database },
  'auth/providers.json': {
    'anon-user': { name: 'anon-user', type: 'anon-user', disabled: false },
    'api-key': { name: 'api-key', type: 'api-key', disabled: false },
  },
  'data_sources/mongodb-atlas/config.json': { name: 'mongodb-atlas', type: 'mongodb-atlas', config: {} },
  'data_sources/mongodb-atlas/default_rule.json': {
    roles: [{ name: 'all', apply_when: {}, read: true, write: true, insert: true, delete: true, search: true }],
    filters: [],
  },
  'http_endpoints/data_api_config.json': { disabled: false, versions: ['v1'], return_type: 'JSON' },
  'values/runner.json': { name: 'runner', value: 'runner', from_secret: true },
  'functions/config.json': [
    { name: 'record', private: true },
    { name: 'tick', private: true },
  ],
  'functions/record.js': record(database),
  'functions/tick.js': `exports = async () => {
    await context.services.get('mongodb-atlas').db('${database}').collection('ticks').insertOne({ at: new Date() })
  }`,
  'triggers/record.json': {
    name: 'record',
    type: 'DATABASE',
    config: {
      service_name: 'mongodb-atlas',
      database,
      collection: 'source',
      operation_types: ['INSERT', 'UPDATE'],
    },
    event_processors: { FUNCTION: { config: { function_name: 'record' } } },
  },
  'triggers/tick.json': {
    name: 'tick',
    type: 'SCHEDULED',
    config: { schedule: '* * * * *' },
    event_processors: { FUNCTION: { config: { function_name: 'tick' } } },
  },
})

/** Builds the app for one kind of host, once for all its processes. */
export async function buildSoakApp(kind: HostKind, database: string): Promise<SoakApp> {
  const app = await temporaryFolder(files(database))
  // Inside the repository, so that the module finds its packages.
  const cache = path.join(repositoryRoot, '.atlas-edge', 'run')
  await mkdir(cache, { recursive: true })
  const outDir = await mkdtemp(path.join(cache, 'soak-'))
  const { outFile } = await (kind === 'node'
    ? buildApp({ appDir: app.dir, target: 'node', outFile: path.join(outDir, 'app.mjs') })
    : bundleWorker({ appDir: app.dir, entry: path.join(repositoryRoot, 'edge', 'worker.ts'), outDir }))
  return {
    clientAppId: `${database}-abcde`,
    database,
    artefact: outFile,
    async remove() {
      await app.remove()
      await rm(outDir, { recursive: true, force: true })
    },
  }
}
