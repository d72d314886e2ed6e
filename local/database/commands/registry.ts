import { abortTransaction } from './abort-transaction.ts'
import { aggregate } from './aggregate.ts'
import { buildInfo } from './build-info.ts'
import { bulkWrite } from './bulk-write.ts'
import { collMod } from './coll-mod.ts'
import { collStats } from './coll-stats.ts'
import type { Command } from './command.ts'
import { commitTransaction } from './commit-transaction.ts'
import { configureFailPoint } from './configure-fail-point.ts'
import { connectionStatus } from './connection-status.ts'
import { count } from './count.ts'
import { create } from './create.ts'
import { createIndexes } from './create-indexes.ts'
import { dbStats } from './db-stats.ts'
import { deleteCommand } from './delete.ts'
import { distinct } from './distinct.ts'
import { drop } from './drop.ts'
import { dropDatabase } from './drop-database.ts'
import { dropIndexes } from './drop-indexes.ts'
import { endSessions, killAllSessions, killSessions, refreshSessions, startSession } from './end-sessions.ts'
import { explain } from './explain.ts'
import { find } from './find.ts'
import { findAndModify } from './find-and-modify.ts'
import { getCmdLineOpts } from './get-cmd-line-opts.ts'
import { getDefaultRWConcern } from './get-default-rw-concern.ts'
import { getLog } from './get-log.ts'
import { getMore } from './get-more.ts'
import { getParameter } from './get-parameter.ts'
import { hello } from './hello.ts'
import { hostInfo } from './host-info.ts'
import { insert } from './insert.ts'
import { killCursors } from './kill-cursors.ts'
import { listCollections } from './list-collections.ts'
import { listDatabases } from './list-databases.ts'
import { listIndexes } from './list-indexes.ts'
import { ping } from './ping.ts'
import { renameCollection } from './rename-collection.ts'
import { replSetGetConfig, replSetGetStatus } from './repl-set-get-status.ts'
import { searchIndexCommands } from './search-indexes.ts'
import { serverStatus } from './server-status.ts'
import { setParameter } from './set-parameter.ts'
import { update } from './update.ts'
import { validate } from './validate.ts'
import { whatsmyuri } from './whatsmyuri.ts'

const ALL: readonly Command[] = [
  abortTransaction,
  aggregate,
  buildInfo,
  bulkWrite,
  collMod,
  collStats,
  commitTransaction,
  configureFailPoint,
  connectionStatus,
  count,
  create,
  createIndexes,
  dbStats,
  deleteCommand,
  distinct,
  drop,
  dropDatabase,
  dropIndexes,
  endSessions,
  explain,
  find,
  findAndModify,
  getCmdLineOpts,
  getDefaultRWConcern,
  getLog,
  getMore,
  getParameter,
  hello,
  hostInfo,
  insert,
  killAllSessions,
  killCursors,
  killSessions,
  listCollections,
  listDatabases,
  listIndexes,
  ping,
  refreshSessions,
  renameCollection,
  replSetGetConfig,
  replSetGetStatus,
  ...searchIndexCommands,
  serverStatus,
  setParameter,
  startSession,
  update,
  validate,
  whatsmyuri,
]

/** Every command by each of its names. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map(
  ALL.flatMap((command) => [command.name, ...(command.aliases ?? [])].map((name) => [name, command] as const)),
)
