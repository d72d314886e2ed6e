import { randomBytes } from 'node:crypto'
import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type Db, MongoClient } from 'mongodb'
import { loadAppFolder } from '../../cli/app-folder/index.ts'
import { buildOwnApp } from '../../cli/build/own-app.ts'
import { loadBuiltApp } from '../../cli/built-app.ts'
import { initialiseDatabase } from '../../cli/database/initialise.ts'
import { repositoryRoot } from '../../cli/own-app.ts'
import { startNodeEdge } from '../../edge/node.ts'
import { openUserState } from '../../runtime/users/state.ts'
import type { AppDefinition } from '../../schemas/app/definition.ts'
import { type TemporaryFolder, temporaryFolder } from './app-folders.ts'
import { captureLog } from './captured-log.ts'
import { startTestDatabase } from './database.ts'

export const syncSecret = 'sync-secret-of-the-tests'
export const logToken = 'Bearer log-token-of-the-tests'

export interface OwnEdge {
  /** The compiled app folder, under a database name of the test's own. */
  readonly folder: string
  readonly uri: string
  readonly definition: AppDefinition
  /** `/app/<client app id>/endpoint`, with host. */
  readonly endpoint: string
  readonly origin: string
  readonly client: MongoClient
  /** What stands for `bi_dashboard`, indexes included. */
  readonly db: Db
  readonly database: string
  readonly state: ReturnType<typeof openUserState>
  readonly stateDatabase: string
  close(): Promise<void>
}

/** The compiled app, with `bi_dashboard` renamed, so that tests may share a server. */
export async function ownAppOn(database: string): Promise<TemporaryFolder> {
  const folder = await temporaryFolder()
  await buildOwnApp({ root: repositoryRoot, outDir: folder.dir })
  for (const entry of await readdir(folder.dir, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name)
    if (!entry.isFile() || !/\.js(on)?$/.test(entry.name)) continue
    const text = await readFile(file, 'utf8')
    if (text.includes('bi_dashboard')) await writeFile(file, text.replaceAll('bi_dashboard', database))
  }
  const sources = path.join(folder.dir, 'data_sources', 'mongodb-atlas')
  await rename(path.join(sources, 'bi_dashboard'), path.join(sources, database))
  return folder
}

/** A client whose `bi_dashboard` is `database`. */
function redirected(client: MongoClient, database: string): MongoClient {
  return new Proxy(client, {
    get(target, property) {
      if (property === 'db') return (name?: string) => target.db(name === 'bi_dashboard' ? database : name)
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

export interface OwnEdgeOptions {
  /** Replaces values of the app, by name. */
  values?: Readonly<Record<string, unknown>>
  /** Further functions, by name: App Services source that runs as its caller. */
  functions?: Readonly<Record<string, string>>
}

async function addFunctions(dir: string, sources: Readonly<Record<string, string>>): Promise<void> {
  const manifest = path.join(dir, 'functions', 'config.json')
  const entries: unknown[] = JSON.parse(await readFile(manifest, 'utf8'))
  for (const [name, source] of Object.entries(sources)) {
    await writeFile(path.join(dir, 'functions', `${name}.js`), source)
    entries.push({ name, private: false, can_evaluate: {}, run_as_system: false })
  }
  await writeFile(manifest, JSON.stringify(entries))
}

/** Our own app, compiled, served over HTTP by the Node host on a fresh database. */
export async function startOwnEdge(options: OwnEdgeOptions = {}): Promise<OwnEdge> {
  const server = await startTestDatabase()
  const database = `own_edge_${randomBytes(4).toString('hex')}`
  const folder = await ownAppOn(database)
  for (const [name, value] of Object.entries(options.values ?? {}))
    await writeFile(
      path.join(folder.dir, 'values', `${name}.json`),
      JSON.stringify({ name, from_secret: false, value }),
    )
  await addFunctions(folder.dir, options.functions ?? {})
  const { built } = await loadBuiltApp(folder.dir)
  const client = new MongoClient(server.uri)
  await initialiseDatabase(redirected(client, database), (await loadAppFolder(repositoryRoot)).definition)
  const stateDatabase = `${database}_state`
  const edge = await startNodeEdge({
    built,
    uri: server.uri,
    port: 0,
    stateDatabase,
    secrets: {
      EDGE_SIGNING_KEY: 'own-edge-own-edge-own-edge-own-edge',
      auth0_sync_secret: syncSecret,
      auth0_sync_secret_previous: `previous-${syncSecret}`,
      auth0_log_token: logToken,
    },
    log: captureLog,
  })
  return {
    folder: folder.dir,
    uri: server.uri,
    definition: built.definition,
    endpoint: `${edge.url}/app/${built.definition.clientAppId}/endpoint`,
    origin: edge.url,
    client,
    db: client.db(database),
    database,
    state: openUserState(client, built.definition.clientAppId, stateDatabase),
    stateDatabase,
    async close() {
      await edge.close()
      await client.db(database).dropDatabase()
      await client.db(stateDatabase).dropDatabase()
      await client.close()
      await server.close()
      await folder.remove()
    },
  }
}
