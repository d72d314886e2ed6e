import { readFile } from 'node:fs/promises'
import { Log, LogLevel, Miniflare } from 'miniflare'
import type { EdgeSettingsInput } from '../schemas/edge-settings.ts'

export interface WorkerEdgeOptions {
  /** The bundle that `atlas-edge build` writes: `worker.js`. */
  bundle: string
  /** A server that workerd reaches by plain TCP. */
  uri: string
  /** 0 = a free port. */
  port: number
  /** Default 127.0.0.1. */
  host?: string
  /** The app's secrets, by name, and `EDGE_SIGNING_KEY`. */
  secrets: Readonly<Record<string, string>>
  /** Lets pages on this machine send credential headers and functions call private addresses. Default true. */
  development?: boolean
  plainActionErrors?: boolean
  /** As `EDGE_SETTINGS`. */
  settings?: EdgeSettingsInput
  /** A line that the Worker printed. Default: stderr. */
  onLog?: (line: string) => void
}

export interface WorkerEdge {
  readonly url: string
  readonly port: number
  /** Runs the cron of this minute, as the platform does. */
  runScheduled(): Promise<void>
  close(): Promise<void>
}

const compatibilityDate = '2026-07-30'

/**
 * Runs the Worker's bundle in workerd on this machine, Durable Objects included; nothing leaves it.
 *
 * @throws {Error} when the port is taken or workerd does not start
 */
export async function startWorkerEdge(options: WorkerEdgeOptions): Promise<WorkerEdge> {
  const { EDGE_SIGNING_KEY = '', ...secrets } = options.secrets
  const onLog = options.onLog ?? ((line: string) => process.stderr.write(`${line}\n`))
  const miniflare = new Miniflare({
    name: 'atlas-edge',
    modules: [{ type: 'ESModule', path: 'worker.js', contents: await readFile(options.bundle, 'utf8') }],
    compatibilityDate,
    compatibilityFlags: ['nodejs_compat'],
    durableObjects: {
      APP_HOST: { className: 'AppHost', useSQLite: true },
      STREAM_HOST: { className: 'StreamHost', useSQLite: true },
      TRIGGER_HOST: { className: 'TriggerHost', useSQLite: true },
    },
    bindings: {
      MONGODB_URI: options.uri,
      EDGE_SIGNING_KEY,
      EDGE_SECRETS: JSON.stringify(secrets),
      EDGE_DEVELOPMENT: String(options.development ?? true),
      EDGE_SETTINGS: JSON.stringify(options.settings ?? {}),
      EDGE_PLAIN_ACTION_ERRORS: String(options.plainActionErrors ?? false),
    },
    host: options.host ?? '127.0.0.1',
    port: options.port,
    // Miniflare would ask the network for the properties of a request.
    cf: false,
    log: new Log(LogLevel.NONE),
    handleStructuredLogs({ message }: { message: string }): void {
      onLog(message)
    },
  })
  const url = await miniflare.ready.catch(async (error) => {
    await miniflare.dispose().catch(() => {})
    throw error
  })
  return {
    url: url.origin,
    port: Number(url.port),
    async runScheduled() {
      const worker = await miniflare.getWorker()
      await worker.scheduled({ scheduledTime: new Date() })
    },
    close: () => miniflare.dispose(),
  }
}
