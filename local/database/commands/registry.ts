import type { Command } from './command.ts'

/** Where each command is, by each of its names. Most runs need a few: a module is loaded when its command is first sent. */
const MODULES: { readonly [name: string]: () => Promise<Command> } = {
  abortTransaction: async () => (await import('./abort-transaction.ts')).abortTransaction,
  aggregate: async () => (await import('./aggregate.ts')).aggregate,
  buildInfo: async () => (await import('./build-info.ts')).buildInfo,
  buildinfo: async () => (await import('./build-info.ts')).buildInfo,
  bulkWrite: async () => (await import('./bulk-write.ts')).bulkWrite,
  collMod: async () => (await import('./coll-mod.ts')).collMod,
  collStats: async () => (await import('./coll-stats.ts')).collStats,
  collstats: async () => (await import('./coll-stats.ts')).collStats,
  commitTransaction: async () => (await import('./commit-transaction.ts')).commitTransaction,
  configureFailPoint: async () => (await import('./configure-fail-point.ts')).configureFailPoint,
  connectionStatus: async () => (await import('./connection-status.ts')).connectionStatus,
  count: async () => (await import('./count.ts')).count,
  create: async () => (await import('./create.ts')).create,
  createIndexes: async () => (await import('./create-indexes.ts')).createIndexes,
  createSearchIndexes: async () => (await import('./search-indexes.ts')).searchIndexes,
  dbStats: async () => (await import('./db-stats.ts')).dbStats,
  dbstats: async () => (await import('./db-stats.ts')).dbStats,
  delete: async () => (await import('./delete.ts')).deleteCommand,
  deleteIndexes: async () => (await import('./drop-indexes.ts')).dropIndexes,
  distinct: async () => (await import('./distinct.ts')).distinct,
  drop: async () => (await import('./drop.ts')).drop,
  dropDatabase: async () => (await import('./drop-database.ts')).dropDatabase,
  dropIndexes: async () => (await import('./drop-indexes.ts')).dropIndexes,
  dropSearchIndex: async () => (await import('./search-indexes.ts')).searchIndexes,
  endSessions: async () => (await import('./end-sessions.ts')).endSessions,
  explain: async () => (await import('./explain.ts')).explain,
  find: async () => (await import('./find.ts')).find,
  findAndModify: async () => (await import('./find-and-modify.ts')).findAndModify,
  findandmodify: async () => (await import('./find-and-modify.ts')).findAndModify,
  getCmdLineOpts: async () => (await import('./get-cmd-line-opts.ts')).getCmdLineOpts,
  getDefaultRWConcern: async () => (await import('./get-default-rw-concern.ts')).getDefaultRWConcern,
  getLog: async () => (await import('./get-log.ts')).getLog,
  getMore: async () => (await import('./get-more.ts')).getMore,
  getParameter: async () => (await import('./get-parameter.ts')).getParameter,
  hello: async () => (await import('./hello.ts')).hello,
  hostInfo: async () => (await import('./host-info.ts')).hostInfo,
  insert: async () => (await import('./insert.ts')).insert,
  isMaster: async () => (await import('./hello.ts')).hello,
  ismaster: async () => (await import('./hello.ts')).hello,
  killAllSessions: async () => (await import('./kill-all-sessions.ts')).killAllSessions,
  killAllSessionsByPattern: async () => (await import('./kill-all-sessions.ts')).killAllSessions,
  killCursors: async () => (await import('./kill-cursors.ts')).killCursors,
  killSessions: async () => (await import('./kill-sessions.ts')).killSessions,
  listCollections: async () => (await import('./list-collections.ts')).listCollections,
  listDatabases: async () => (await import('./list-databases.ts')).listDatabases,
  listIndexes: async () => (await import('./list-indexes.ts')).listIndexes,
  listSearchIndexes: async () => (await import('./search-indexes.ts')).searchIndexes,
  ping: async () => (await import('./ping.ts')).ping,
  refreshSessions: async () => (await import('./refresh-sessions.ts')).refreshSessions,
  renameCollection: async () => (await import('./rename-collection.ts')).renameCollection,
  replSetGetConfig: async () => (await import('./repl-set-get-config.ts')).replSetGetConfig,
  replSetGetStatus: async () => (await import('./repl-set-get-status.ts')).replSetGetStatus,
  serverStatus: async () => (await import('./server-status.ts')).serverStatus,
  setParameter: async () => (await import('./set-parameter.ts')).setParameter,
  startSession: async () => (await import('./start-session.ts')).startSession,
  update: async () => (await import('./update.ts')).update,
  updateSearchIndex: async () => (await import('./search-indexes.ts')).searchIndexes,
  validate: async () => (await import('./validate.ts')).validate,
  whatsmyuri: async () => (await import('./whatsmyuri.ts')).whatsmyuri,
}

const loaded = new Map<string, Command>()

/** The command of this name, once it is loaded. */
export function loadedCommand(name: string): Command | undefined {
  return loaded.get(name)
}

/** There is a command of this name, loaded or not. */
export function isCommand(name: string): boolean {
  return Object.hasOwn(MODULES, name)
}

/** There is a command of this name, and `loadCommand` has not finished with it. */
export function needsLoading(name: string): boolean {
  return !loaded.has(name) && isCommand(name)
}

/** Loads a command that there is. */
export async function loadCommand(name: string): Promise<void> {
  loaded.set(name, await MODULES[name]!())
}
