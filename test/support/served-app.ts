import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { bundleWorker } from '../../cli/build/bundle.ts'
import { loadBuiltApp } from '../../cli/built-app.ts'
import { startNodeEdge } from '../../edge/node.ts'
import { startWorkerEdge } from '../../local/worker-host.ts'
import type { LogEntry } from '../../runtime/log.ts'
import { captureLine, captureLog } from './captured-log.ts'
import { startTestDatabase } from './database.ts'

export interface ServedApp {
  /** Scheme and host. */
  readonly url: string
  readonly uri: string
  /** What the host logged, oldest first. */
  readonly log: readonly LogEntry[]
  close(): Promise<void>
}

export interface ServeOptions {
  readonly secrets?: Readonly<Record<string, string>>
  readonly settings?: { functionTimeoutSeconds?: number }
}

function isLogEntry(value: unknown): value is LogEntry {
  return typeof value === 'object' && value !== null && 'type' in value && 'status' in value
}

/** Packages print lines of their own. */
function logEntryOf(line: string): LogEntry | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isLogEntry(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Any app folder on a host and a test database, functions allowed to call servers of this machine. */
export async function serveApp(
  kind: 'node' | 'workerd',
  folder: string,
  options: ServeOptions = {},
): Promise<ServedApp> {
  const database = await startTestDatabase()
  const log: LogEntry[] = []
  const { settings = {} } = options
  const secrets = { ...options.secrets, EDGE_SIGNING_KEY: 'served-app-served-app-served-app-' }
  const common = { uri: database.uri, port: 0, secrets, settings }
  if (kind === 'node') {
    const { built } = await loadBuiltApp(folder)
    const edge = await startNodeEdge({
      ...common,
      built,
      allowPrivateHosts: true,
      log(entry) {
        log.push(entry)
        captureLog(entry)
      },
    })
    const close = async () => {
      await edge.close()
      await database.close()
    }
    return { url: edge.url, uri: database.uri, log, close }
  }
  const outDir = await mkdtemp(path.join(os.tmpdir(), 'edge-bundle-'))
  const entry = path.resolve(import.meta.dirname, '../../edge/worker.ts')
  const { outFile } = await bundleWorker({ appDir: folder, entry, outDir })
  const edge = await startWorkerEdge({
    ...common,
    bundle: outFile,
    onLog(line) {
      captureLine(line)
      const entry = logEntryOf(line)
      if (entry !== undefined) log.push(entry)
    },
  })
  return {
    url: edge.url,
    uri: database.uri,
    log,
    async close() {
      await edge.close()
      await rm(outDir, { recursive: true, force: true })
      await database.close()
    },
  }
}
