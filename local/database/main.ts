import { createDispatcher } from './commands/dispatch.ts'
import { Server } from './commands/server.ts'
import { Journal } from './storage/journal.ts'
import { Store } from './storage/store.ts'
import { startTtlMonitor } from './storage/ttl.ts'
import { listen } from './wire/listener.ts'

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
  const host = options.host ?? '127.0.0.1'
  const store = new Store(options.now)
  const server = new Server(store, options.path)
  const journal =
    options.path === undefined
      ? undefined
      : await Journal.open(options.path, store, (retry) =>
          server.sessions.restore(retry.session, retry.txnNumber, retry.statement, retry.outcome),
        )
  store.sink = journal
  const ttl = startTtlMonitor(store, options.ttlIntervalMs ?? 60_000)
  const listener = await listen(host, options.port ?? 0, createDispatcher(server), (peer) => {
    server.sessions.disconnected(peer.id)
  }).catch(async (error) => {
    ttl.stop()
    await journal?.close()
    throw error
  })
  server.port = listener.port
  server.connections = listener.connections
  return {
    uri: `mongodb://${host}:${listener.port}/?replicaSet=rs0`,
    port: listener.port,
    async close() {
      ttl.stop()
      server.cursors.killWhere(() => true)
      await listener.close()
      await journal?.close()
    },
  }
}
