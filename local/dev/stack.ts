import { randomBytes } from 'node:crypto'
import type { MongoClient } from 'mongodb'
import { loadBuiltApp } from '../../cli/built-app.ts'
import { CommandError } from '../../cli/command.ts'
import { connect, describeServer } from '../../cli/connect.ts'
import { initialiseDatabase } from '../../cli/database/initialise.ts'
import { logFailures } from '../../cli/open-runtime.ts'
import { isOwnApp } from '../../cli/own-app.ts'
import { surviveUnhandledRejections } from '../../edge/node/unhandled-rejections.ts'
import { createRuntime } from '../../runtime/create-runtime.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { createTriggerRunner } from '../../runtime/triggers/index.ts'
import { startDashboard } from '../dashboard/server.ts'
import { startDatabase } from '../database/main.ts'
import { startOfDay } from '../demo/calendar.ts'
import { hasData, seedDemo } from '../demo/seed.ts'
import { seedDemoLogins } from '../identity/demo-users.ts'
import { type LocalIssuer, startLocalIssuer } from '../identity/issuer.ts'
import { createDemoKey } from './demo-key.ts'
import { startEdge } from './edge.ts'
import { isPortFree } from './free-port.ts'
import type { DevOptions, HostKind } from './options.ts'
import { computeDemoSnapshots } from './snapshots.ts'

export interface RunningStack {
  readonly host: HostKind
  readonly edgeUrl: string
  readonly dataApiUrl: string
  readonly endpointUrl: string
  /** Without credentials. */
  readonly databaseUrl: string
  readonly dashboardUrl: string | undefined
  readonly demoKey: string | undefined
  /** The OIDC issuer of the demo users, and a command that prints a token of one. */
  readonly identity: { url: string; command: string } | undefined
  /** ` --app DIR` for commands that must name the app, or ''. */
  readonly appOption: string
  /** What does not work here, one line each. */
  readonly notes: readonly string[]
  close(): Promise<void>
}

type Progress = (text: string) => void

/** What is running, ended in the reverse order of its start. */
class Running {
  readonly #closers: (() => Promise<void>)[] = []

  add(close: () => Promise<void>): void {
    this.#closers.push(close)
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close().catch(() => {})
  }
}

async function assertPortFree(port: number, option: string): Promise<void> {
  if (!(await isPortFree(port)))
    throw new CommandError(`port ${port} is taken; end what listens there or choose another with --${option}`)
}

/** The embedded database, or a client of the given one. */
async function openDatabase(options: DevOptions, running: Running): Promise<{ uri: string; client: MongoClient }> {
  let uri = options.uri
  if (uri === undefined) {
    await assertPortFree(options.databasePort, 'db-port')
    const database = await startDatabase({
      port: options.databasePort,
      ...(options.databasePath === undefined ? {} : { path: options.databasePath }),
    })
    running.add(() => database.close())
    uri = database.uri
  }
  const client = await connect(uri)
  running.add(() => client.close())
  return { uri, client }
}

async function prepareOwnData(
  options: DevOptions,
  client: MongoClient,
  runtime: Runtime,
  progress: Progress,
): Promise<void> {
  const report = await initialiseDatabase(client, runtime.built.definition)
  for (const drift of report.drift) progress(`  ${drift.collection}: ${drift.detail}`)
  if (!options.seed) return
  const today = startOfDay(new Date())
  if (await hasData(client)) progress('the database holds data already; the demo is not added to it')
  else {
    progress(`writing the ${options.scale} demo`)
    const counts = await seedDemo({ client, scale: options.scale, today, progress })
    progress(
      `  ${Object.entries(counts)
        .map(([name, count]) => `${count} ${name}`)
        .join(', ')}`,
    )
  }
  progress('computing the last 90 daily snapshots')
  await computeDemoSnapshots(runtime, today)
}

/** What nobody gave is made fresh, good for this run only; production fails without it instead. */
function developmentSecrets(options: DevOptions): Record<string, string> {
  const fresh = (): string => randomBytes(32).toString('base64url')
  return {
    EDGE_SIGNING_KEY: fresh(),
    ...(isOwnApp(options.appDir) ? { auth0_sync_secret: fresh(), auth0_log_token: `Bearer ${fresh()}` } : {}),
    ...options.secrets,
  }
}

/** Logins without an account; none in front of a given server, whose data is nobody's demo. */
async function startIdentity(
  options: DevOptions,
  own: boolean,
  client: MongoClient,
  running: Running,
): Promise<LocalIssuer | undefined> {
  if (options.uri !== undefined && !options.seed) return undefined
  if (own && options.seed) await seedDemoLogins(client, new Date())
  const port = options.port + 2
  const issuer = await startLocalIssuer((await isPortFree(port)) ? port : 0)
  running.add(() => issuer.close())
  return issuer
}

/**
 * Starts the whole product on this machine. What answers `/health` is started last, when the data is in.
 *
 * @throws {CommandError} for a taken port, a server that does not answer, a folder that is no app
 */
export async function startStack(options: DevOptions, progress: Progress): Promise<RunningStack> {
  const running = new Running()
  try {
    await assertPortFree(options.port, 'port')
    const building = loadBuiltApp(options.appDir, progress)
    const opening = openDatabase(options, running)
    // A failed build must not leave behind a database that was still starting.
    await Promise.allSettled([building, opening])
    const [{ built, folder }, { uri, client }] = [await building, await opening]
    const own = isOwnApp(options.appDir)
    const secrets = developmentSecrets(options)
    const runtime = createRuntime({
      built,
      clientFor: () => client,
      stateClient: client,
      secrets,
      now: () => new Date(),
      fetch,
      log: logFailures(progress),
      allowPrivateHosts: true,
    })
    if (own) await prepareOwnData(options, client, runtime, progress)
    const demoKey = own && options.seed ? await createDemoKey(runtime) : undefined

    const stopSurviving = surviveUnhandledRejections(logFailures(progress))
    running.add(async () => void stopSurviving())
    const triggers = createTriggerRunner(runtime)
    await triggers.start()
    running.add(() => triggers.stop())

    const issuer = await startIdentity(options, own, client, running)
    const edge = await startEdge({
      options,
      built,
      folder,
      uri,
      secrets,
      settings: { identityProviders: issuer === undefined ? [] : [issuer.provider] },
      readyReasons: () => triggers.status().reasons,
      progress,
    })
    running.add(() => edge.close())
    const { clientAppId } = built.definition
    const endpointUrl = `${edge.url}/app/${clientAppId}/endpoint`
    const dataApiUrl = `${endpointUrl}/data/v1`
    let dashboardUrl: string | undefined
    if (issuer !== undefined) {
      const port = (await isPortFree(options.port + 1)) ? options.port + 1 : 0
      const dashboard = await startDashboard(port, { dataApiUrl, tokenUrl: `${issuer.url}token`, username: 'viewer' })
      running.add(() => dashboard.close())
      dashboardUrl = dashboard.url
    }
    return {
      host: options.host,
      edgeUrl: edge.url,
      dataApiUrl,
      endpointUrl,
      databaseUrl: options.uri === undefined ? uri : `mongodb://${describeServer(uri)}`,
      dashboardUrl,
      demoKey,
      identity: issuer && { url: issuer.url, command: issuer.command('analyst') },
      appOption: own ? '' : ` --app '${options.appDir}'`,
      notes: triggers.status().reasons,
      close: () => running.close(),
    }
  } catch (error) {
    await running.close()
    throw error
  }
}
