import type { BulkWriteResult } from 'mongodb'
import { isJson } from './format.ts'

/**
 * The result of a helper as the plain document that test files describe: the getters of `BulkWriteResult` are read, and
 * what the driver sets to null where nothing happened (`upsertedId`) is left out.
 */
export function toResultDocument(result: unknown): unknown {
  if (isBulkWriteResult(result)) {
    return {
      insertedCount: result.insertedCount,
      matchedCount: result.matchedCount,
      modifiedCount: result.modifiedCount,
      deletedCount: result.deletedCount,
      upsertedCount: result.upsertedCount,
      insertedIds: result.insertedIds,
      upsertedIds: result.upsertedIds,
    }
  }
  if (isJson(result) && result.updateResults instanceof Map) {
    return {
      ...result,
      updateResults: new Map([...result.updateResults].map(([index, one]) => [index, withoutDidUpsert(one)])),
    }
  }
  if (isJson(result) && result.upsertedId === null && 'matchedCount' in result) {
    const { upsertedId: _none, ...rest } = result
    return rest
  }
  return result
}

/** The driver's own addition to the update results of `MongoClient.bulkWrite`. */
function withoutDidUpsert(result: unknown): unknown {
  if (!isJson(result)) return result
  const { didUpsert: _added, ...rest } = result
  return rest
}

/** The driver exports the class as a type alone. */
function isBulkWriteResult(result: unknown): result is BulkWriteResult {
  return typeof result === 'object' && result !== null && 'getRawResponse' in result
}
