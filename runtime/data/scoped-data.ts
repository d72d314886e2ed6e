import { assertInScope, type KeyScope } from '../users/key-scope.ts'
import type { DataAccess, Namespace } from './data-access.ts'

/**
 * The data path of an API key that is limited: what its scope leaves out is refused before any rule is asked. Pipelines
 * of users name no other collection than their own.
 */
export function createScopedData(data: DataAccess, scope: KeyScope): DataAccess {
  const reads =
    <A extends unknown[], R>(run: (ns: Namespace, ...args: A) => R) =>
    (ns: Namespace, ...args: A): R => {
      assertInScope(scope, ns, 'read')
      return run(ns, ...args)
    }
  const writes =
    <A extends unknown[], R>(run: (ns: Namespace, ...args: A) => Promise<R>) =>
    async (ns: Namespace, ...args: A): Promise<R> => {
      assertInScope(scope, ns, 'write')
      return run(ns, ...args)
    }
  // Each method by name: one that is added must be given its place here.
  return {
    find: reads(data.find),
    findOne: reads(data.findOne),
    aggregate: reads(data.aggregate),
    findEncoded: reads(data.findEncoded),
    aggregateEncoded: reads(data.aggregateEncoded),
    count: reads(data.count),
    distinct: reads(data.distinct),
    insertOne: writes(data.insertOne),
    insertMany: writes(data.insertMany),
    updateOne: writes(data.updateOne),
    updateMany: writes(data.updateMany),
    replaceOne: writes(data.replaceOne),
    deleteOne: writes(data.deleteOne),
    deleteMany: writes(data.deleteMany),
    findOneAndUpdate: writes(data.findOneAndUpdate),
    findOneAndReplace: writes(data.findOneAndReplace),
    findOneAndDelete: writes(data.findOneAndDelete),
    bulkWrite: writes(data.bulkWrite),
    aggregateDatabase: data.aggregateDatabase,
    listCollectionNames: data.listCollectionNames,
    listDatabaseNames: data.listDatabaseNames,
    startSession: data.startSession,
  }
}
