import { createDispatcher } from './commands/dispatch.ts'
import { Server } from './commands/server.ts'
import type { DatabaseOptions, RunningDatabase } from './main.ts'
import type { Journal } from './storage/journal.ts'
import { Store } from './storage/store.ts'
import { TtlMonitor } from './storage/ttl.ts'
import { listen } from './wire/listener.ts'

const EXPIRY_INTERVAL_MS = 500

/** Joins the parts: storage, journal, commands, wire. */
export async function start(options: DatabaseOptions): Promise<RunningDatabase> {
  const host = options.host ?? '127.0.0.1'
  const store = new Store(options.now)
  const server = new Server(store, options.path)
  const journal = options.path === undefined ? undefined : await openJournal(options.path, server)
  store.sink = journal
  const ttl = new TtlMonitor(store)
  ttl.run(options.ttlIntervalMs ?? server.parameters.ttlIntervalMs)
  server.parameters.changed = () => ttl.run(server.parameters.ttlIntervalMs)
  // A writer that waits for a forgotten transaction may be the only client there is.
  const reaper = setInterval(() => server.expire(), EXPIRY_INTERVAL_MS)
  reaper.unref()
  const stopTimers = (): void => {
    ttl.run(undefined)
    clearInterval(reaper)
  }
  const listener = await listen(host, options.port ?? 0, createDispatcher(server), (peer) => {
    server.sessions.disconnected(peer.id)
  }).catch(async (error) => {
    stopTimers()
    await journal?.close()
    throw error
  })
  server.port = listener.port
  server.connections = listener.connections
  return {
    uri: `mongodb://${host}:${listener.port}/?replicaSet=rs0`,
    port: listener.port,
    async close() {
      stopTimers()
      server.cursors.killWhere(() => true)
      await listener.close()
      await journal?.close()
    },
  }
}

async function openJournal(folder: string, { store, sessions }: Server): Promise<Journal> {
  const { Journal } = await import('./storage/journal.ts')
  return Journal.open(folder, store, (retry) => sessions.restore(retry))
}
