import type { Caller } from '../caller.ts'
import { decodedCursor, encodedCursor, toDocument } from '../data/cursor.ts'
import type { DataAccess, Namespace, StoredDocument } from '../data/data-access.ts'
import { createSystemData } from '../data/system-data.ts'
import { AppError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { bulkWriteChecked } from './bulk-write.ts'
import { findAndChange, findAndDelete } from './find-and-modify.ts'
import { UserCollection } from './user-collection.ts'
import { aggregateReadable, countReadable, distinctReadable, findReadable } from './user-reads.ts'
import { changeChecked, deleteChecked, insertChecked } from './user-writes.ts'

/** A user's data path: every document passes the roles, filters, field rules and schema of its collection. */
export function createUserData(runtime: Runtime, caller: Caller): DataAccess {
  const system = createSystemData(runtime, Number.POSITIVE_INFINITY)
  const open = (ns: Namespace) => UserCollection.open(runtime, caller, system, ns)

  /** A read that resolves its rules when the first document is asked for. */
  async function* lazily(ns: Namespace, read: (collection: UserCollection) => AsyncGenerator<StoredDocument>) {
    yield* read(await open(ns))
  }
  const find: (...args: Parameters<DataAccess['find']>) => AsyncGenerator<StoredDocument> = (
    ns,
    filter,
    options = {},
  ) => lazily(ns, (collection) => findReadable(collection, filter, options))
  const aggregate: (...args: Parameters<DataAccess['aggregate']>) => AsyncGenerator<StoredDocument> = (
    ns,
    pipeline,
    options = {},
  ) => lazily(ns, (collection) => aggregateReadable(collection, pipeline, options))

  return {
    find: (...args) => decodedCursor(find(...args)),
    findEncoded: (...args) => encodedCursor(find(...args)),
    aggregate: (...args) => decodedCursor(aggregate(...args)),
    aggregateEncoded: (...args) => encodedCursor(aggregate(...args)),

    async findOne(ns, filter, options = {}) {
      const found = find(ns, filter, { ...options, limit: 1 })
      const first = await found.next()
      await found.return(undefined)
      return first.done ? null : toDocument(first.value)
    },

    count: async (ns, filter, options = {}) => countReadable(await open(ns), filter, options),
    distinct: async (ns, field, filter, options = {}) => distinctReadable(await open(ns), field, filter, options),

    async insertOne(ns, document, options = {}) {
      const { insertedIds } = await insertChecked(await open(ns), [document], options)
      return { insertedId: insertedIds[0] }
    },
    insertMany: async (ns, documents, options = {}) => insertChecked(await open(ns), documents, options),

    updateOne: async (ns, filter, content, options = {}) =>
      changeChecked(await open(ns), filter, { kind: 'update', content }, options, false),
    updateMany: async (ns, filter, content, options = {}) =>
      changeChecked(await open(ns), filter, { kind: 'update', content }, options, true),
    replaceOne: async (ns, filter, content, options = {}) =>
      changeChecked(await open(ns), filter, { kind: 'replace', content }, options, false),
    deleteOne: async (ns, filter, options = {}) => deleteChecked(await open(ns), filter, options, false),
    deleteMany: async (ns, filter, options = {}) => deleteChecked(await open(ns), filter, options, true),

    findOneAndUpdate: async (ns, filter, content, options = {}) =>
      findAndChange(await open(ns), filter, { kind: 'update', content }, options),
    findOneAndReplace: async (ns, filter, content, options = {}) =>
      findAndChange(await open(ns), filter, { kind: 'replace', content }, options),
    findOneAndDelete: async (ns, filter, options = {}) => findAndDelete(await open(ns), filter, options),

    bulkWrite: async (ns, operations, options = {}) => bulkWriteChecked(await open(ns), operations, options.session),

    aggregateDatabase() {
      throw systemOnly('database aggregation')
    },
    async listCollectionNames() {
      throw systemOnly('getCollectionNames')
    },
    async listDatabaseNames() {
      throw systemOnly('getDBNames')
    },
    startSession: (service) => system.startSession(service),
  }
}

function systemOnly(what: string): AppError {
  return new AppError('FunctionExecutionError', `${what} is only available to system users`, { status: 400 })
}
