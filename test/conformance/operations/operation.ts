import type { Document, MongoClient } from 'mongodb'
import type { Entities } from '../entities.ts'
import type { Operation } from '../format.ts'

/** What an operation may use besides its entity. */
export interface OperationContext {
  readonly entities: Entities
  /** The runner's own client, for assertions on the server's state. */
  readonly internal: MongoClient
  /** Fail points to disable after the test. */
  readonly failPoints: Set<string>
  /** Runs a nested operation and makes its assertions; `rethrow` lets its error out after they passed. */
  execute(operation: Operation, rethrow?: boolean): Promise<void>
}

/** One operation of an entity: `args` are the arguments of the format, common options and the session resolved. */
export type OperationFunction<T> = (entity: T, args: Document, context: OperationContext) => Promise<unknown>

export type OperationTable<T> = Readonly<Record<string, OperationFunction<T>>>

/** Operations whose result is an array of root-level documents, which may have more keys than expected. */
export const ROOT_ARRAY_OPERATIONS: ReadonlySet<string> = new Set([
  'aggregate',
  'find',
  'listCollections',
  'listDatabases',
  'listIndexes',
  'listSearchIndexes',
  'runCursorCommand',
])
