import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { MongoClient, ObjectId } from 'mongodb'
import { bundleWorker } from '../../cli/build/bundle.ts'
import { loadBuiltApp } from '../../cli/built-app.ts'
import { startNodeEdge } from '../../edge/node.ts'
import { startWorkerEdge } from '../../local/worker-host.ts'
import { ApiKeyStore } from '../../runtime/users/api-key-store.ts'
import { openUserState } from '../../runtime/users/state.ts'
import { captureLine, captureLog } from '../support/captured-log.ts'
import { startTestDatabase } from '../support/database.ts'
import type { IdentityProviders } from '../support/identity-providers.ts'
import { fetchWithProviders, workerWithProviders } from '../support/worker-with-providers.ts'

export const wireFolder = path.resolve(import.meta.dirname, '../fixtures/apps/wire')
export const wireApp = 'wire-abcde'

export const wireSecrets = {
  tokenKey: '0123456789abcdef0123456789abcdef',
  hook: 'Hook5ecret',
  signing: 'Super5ecr3tPa55w0rd',
  signing_previous: 'Previous5ecr3t',
  hook_previous: 'Previous5ecr3t',
  googleSecret: 'Go0gle5ecret',
  facebookSecret: 'Faceb00k5ecret',
  appleSecret: 'App1e5ecret',
}

export const wireSigningKey = 'contract-tests-contract-tests-00'

/** The clients of the app `wire` at identity providers. */
export const wireClients = {
  google: { clientId: 'wire.apps.googleusercontent.com', clientSecret: wireSecrets.googleSecret },
  facebook: { clientId: '1234567890', clientSecret: wireSecrets.facebookSecret },
  apple: { clientId: 'com.example.wire', clientSecret: wireSecrets.appleSecret },
}

/** The page of the app `wire` that identity providers' redirects end at. */
export const wireRedirect = 'http://localhost:5173/auth'

export type HostKind = 'node' | 'workerd'

export interface EdgeUnderTest {
  readonly url: string
  /** A server API key with the role admin. */
  readonly key: string
  readonly changeStreams: boolean
  /** Absent for an edge that is only known by its address. */
  readonly client: MongoClient | undefined
  close(): Promise<void>
}

// Vitest sets BASE_URL to a path of its own, so a full address counts only; EDGE_BASE_URL is never touched.
const remoteUrl = [process.env.EDGE_BASE_URL, process.env.BASE_URL].find((url) => url?.startsWith('http'))

/** Our hosts; `EDGE_HOSTS=node` leaves the other out, where it would ask the same of another part. */
export const ownHosts: readonly HostKind[] = process.env.EDGE_HOSTS === 'node' ? ['node'] : ['node', 'workerd']

/** The hosts that a table runs on: ours, or the one that `BASE_URL` (with `EDGE_KEY`) names. */
export const hostKinds: readonly (HostKind | 'remote')[] = remoteUrl ? ['remote'] : ownHosts

export interface EdgeSettings {
  plainActionErrors?: boolean
  /** Stand for Google, Facebook and Apple. */
  providers?: IdentityProviders
}

/** The app `wire` served by one host, on the test database. */
export async function startEdgeUnderTest(
  kind: HostKind | 'remote',
  settings: EdgeSettings = {},
): Promise<EdgeUnderTest> {
  if (kind === 'remote') {
    const { EDGE_KEY = '' } = process.env
    return {
      url: (remoteUrl ?? '').replace(/\/$/, ''),
      key: EDGE_KEY,
      changeStreams: true,
      client: undefined,
      close: async () => {},
    }
  }
  const database = await startTestDatabase()
  const client = new MongoClient(database.uri)
  // A server that outlives the run still holds what the last one wrote.
  await client.db('wire').dropDatabase()
  const served = await serveWire(kind, database.uri, settings)
  const keys = new ApiKeyStore(openUserState(client, wireApp))
  const key = await keys.createServerKey(`contract-${new ObjectId().toHexString()}`, { role: 'admin' }, new Date())
  return {
    url: served.url,
    key: key.key,
    changeStreams: database.changeStreams,
    client,
    async close() {
      await keys.delete(key.id)
      await client.close()
      await served.close()
      await database.close()
    },
  }
}

type Secrets = Record<string, string>

export interface ServedEdge {
  readonly url: string
  /** Runs the cron of this minute; workerd only. */
  runScheduled?(): Promise<void>
  close(): Promise<void>
}

/** The app `wire` on a given server. */
export function serveWire(kind: HostKind, uri: string, settings: EdgeSettings = {}): Promise<ServedEdge> {
  const secrets = { ...wireSecrets, EDGE_SIGNING_KEY: wireSigningKey }
  return kind === 'node' ? serveOnNode(uri, secrets, settings) : serveOnWorkerd(uri, secrets, settings)
}

async function serveOnNode(uri: string, secrets: Secrets, { providers, ...settings }: EdgeSettings) {
  const { built } = await loadBuiltApp(wireFolder)
  return startNodeEdge({
    built,
    uri,
    port: 0,
    secrets,
    allowDevelopmentOrigins: true,
    log: captureLog,
    ...(providers !== undefined && { fetch: fetchWithProviders(providers) }),
    ...settings,
  })
}

async function serveOnWorkerd(uri: string, secrets: Secrets, { providers, ...settings }: EdgeSettings) {
  const outDir = await mkdtemp(path.join(os.tmpdir(), 'edge-bundle-'))
  const reaching = providers === undefined ? undefined : await workerWithProviders(providers)
  const entry = reaching?.entry ?? path.resolve(import.meta.dirname, '../../edge/worker.ts')
  const { outFile } = await bundleWorker({ appDir: wireFolder, entry, outDir })
  const edge = await startWorkerEdge({ bundle: outFile, uri, port: 0, secrets, onLog: captureLine, ...settings })
  return {
    url: edge.url,
    runScheduled: () => edge.runScheduled(),
    async close() {
      await edge.close()
      await reaching?.close()
      for (const folder of [outDir, reaching?.folder ?? outDir]) await rm(folder, { recursive: true, force: true })
    },
  }
}
