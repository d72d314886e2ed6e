import { enableCompileCache } from 'node:module'

export interface DatabaseOptions {
  /** 0 = a free port. */
  port?: number
  host?: string
  /** Keeps the data in this folder; absent: memory only. */
  path?: string
  /** The server's clock; TTL, transactions and cluster times follow it. Default: the system's. */
  now?: () => Date
  /** How often expired documents are removed, milliseconds. Default: 60,000, as MongoDB. */
  ttlIntervalMs?: number
}

export interface RunningDatabase {
  /** `mongodb://127.0.0.1:<port>/?replicaSet=rs0` */
  readonly uri: string
  readonly port: number
  close(): Promise<void>
}

/**
 * Starts the local database: a one-node replica set `rs0` that speaks the MongoDB wire protocol.
 *
 * @throws {JournalError} when `path` is in use or damaged; the socket's error when the port is taken
 */
export async function startDatabase(options: DatabaseOptions = {}): Promise<RunningDatabase> {
  // Compiling its modules is most of what a start takes.
  enableCompileCache()
  const { start } = await import('./start.ts')
  return start(options)
}
