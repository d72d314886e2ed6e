import type { Invocation } from './invocation.ts'
import type { Reply } from './support/reply.ts'

/** One database command. */
export interface Command {
  readonly name: string
  /** Fields it knows besides the common ones; absent: it takes any. */
  readonly fields?: readonly string[]
  /** Runs on `admin` only. */
  readonly adminOnly?: boolean
  /** Allowed in a multi-document transaction. */
  readonly inTransaction?: boolean
  /** Changes data: its answer waits for the journal, and a `writeConcern` counts. */
  readonly writes?: boolean
  /** In the Stable API version 1, so that `apiStrict` allows it. */
  readonly stable?: boolean
  /** Fields of a stable command that are not in it. */
  readonly unstable?: readonly string[]
  run(invocation: Invocation): Reply | Promise<Reply>
}

/** Fields that every command may carry. */
export const COMMON_FIELDS: readonly string[] = [
  '$db',
  '$clusterTime',
  '$readPreference',
  '$audit',
  '$client',
  '$configServerState',
  '$tenant',
  '$traceCtx',
  'lsid',
  'txnNumber',
  'autocommit',
  'startTransaction',
  'readConcern',
  'writeConcern',
  'comment',
  'maxTimeMS',
  'apiVersion',
  'apiStrict',
  'apiDeprecationErrors',
  'databaseVersion',
  'shardVersion',
  'help',
  'mayBypassWriteBlocking',
]
