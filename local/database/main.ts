import { createDispatcher } from './commands/dispatch.ts'
import { Server } from './commands/server.ts'
import { Store } from './storage/store.ts'
import { listen } from './wire/listener.ts'

export interface DatabaseOptions {
  /** 0 = a free port. */
  port?: number
  host?: string
  /** Keeps the data in this folder; absent: memory only. */
  path?: string
  /** The server's clock; TTL, transactions and cluster times follow it. Default: the system's. */
  now?: () => Date
}

export interface RunningDatabase {
  /** `mongodb://127.0.0.1:<port>/?replicaSet=rs0` */
  readonly uri: string
  readonly port: number
  close(): Promise<void>
}

/** Starts the local database: a one-node replica set `rs0` that speaks the MongoDB wire protocol. */
export async function startDatabase(options: DatabaseOptions = {}): Promise<RunningDatabase> {
  const host = options.host ?? '127.0.0.1'
  const store = new Store(options.now)
  const server = new Server(store, options.path)
  const listener = await listen(host, options.port ?? 0, createDispatcher(server), (peer) => {
    server.sessions.disconnected(peer.id)
  })
  server.port = listener.port
  server.connections = listener.connections
  return {
    uri: `mongodb://${host}:${listener.port}/?replicaSet=rs0`,
    port: listener.port,
    close: () => listener.close(),
  }
}
