import type { Document } from 'bson'
import type { ClientSession } from 'mongodb'
import { entriesOf, getField } from '../ejson/index.ts'
import { AppError } from '../errors.ts'
import { inTransaction } from './transaction.ts'
import type { UserCollection } from './user-collection.ts'
import { changeChecked, deleteChecked, insertChecked } from './user-writes.ts'

/**
 * Runs the operations of a bulk write under rules: all are applied, or none.
 *
 * @throws {AppError} the refusal of an operation; `MongoDBError` for one that is malformed
 */
export async function bulkWriteChecked(
  collection: UserCollection,
  operations: readonly Document[],
  given: ClientSession | undefined,
): Promise<void> {
  const run = async (session: ClientSession | undefined) => {
    for (const operation of operations) await runBulkOperation(collection, operation, session)
  }
  // A single operation is atomic by itself, and may not need what a transaction needs of the server.
  if (operations.length === 1) await run(given)
  else await inTransaction(collection.system, collection.ns.service, given, ({ session }) => run(session))
}

/**
 * Runs one operation of a bulk write, in the driver's form, under rules and inside a transaction.
 *
 * @throws {AppError} `MongoDBError` for an operation that is none, or lacks a field
 */
async function runBulkOperation(
  collection: UserCollection,
  operation: Document,
  session: ClientSession | undefined,
): Promise<void> {
  const [[name, content] = ['', undefined], ...others] = entriesOf(operation)
  if (others.length > 0 || typeof content !== 'object' || content === null) throw invalid('must have exactly one field')
  const field = (key: string) => documentField(name, content, key)
  const options = writeOptions(content, session)
  switch (name) {
    case 'insertOne':
      await insertChecked(collection, [documentField(name, content, 'document')], session ? { session } : {})
      return
    case 'updateOne':
    case 'updateMany': {
      const update: unknown = getField(content, 'update')
      const change = { kind: 'update', content: Array.isArray(update) ? update : field('update') } as const
      await changeChecked(collection, field('filter'), change, options, name === 'updateMany')
      return
    }
    case 'replaceOne':
      await changeChecked(
        collection,
        field('filter'),
        { kind: 'replace', content: field('replacement') },
        options,
        false,
      )
      return
    case 'deleteOne':
    case 'deleteMany':
      await deleteChecked(collection, field('filter'), session ? { session } : {}, name === 'deleteMany')
      return
    default:
      throw invalid(`'${name}' is not supported`)
  }
}

function writeOptions(content: Document, session: ClientSession | undefined) {
  const arrayFilters: unknown = getField(content, 'arrayFilters')
  return {
    ...(session ? { session } : {}),
    upsert: getField(content, 'upsert') === true,
    ...(Array.isArray(arrayFilters) ? { arrayFilters } : {}),
  }
}

function documentField(operation: string, content: Document, key: string): Document {
  const value: unknown = getField(content, key)
  if (typeof value !== 'object' || value === null) throw invalid(`'${operation}' must have a '${key}' object`)
  return value
}

function invalid(reason: string): AppError {
  return new AppError('MongoDBError', `invalid bulk write operation: ${reason}`, { status: 400 })
}
