import type { AggregateOptions, AnyBulkWriteOperation, ClientSession, Document, FindOptions } from 'mongodb'
import { AppError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { typedBsonOptions, withOwnBsonClasses } from './bson-types.ts'
import { decodedCursor, encodedCursor, readRaw, toDocument } from './cursor.ts'
import type {
  DataAccess,
  FindAndModifyOptions,
  Namespace,
  ReadOptions,
  UpdateOutcome,
  WriteOptions,
} from './data-access.ts'
import { clientOf, collectionOf, databaseOf, readPreferenceOf } from './data-source.ts'
import { callDatabase } from './database-error.ts'
import { maxDocumentsPerQuery, readBatchSize } from './limits.ts'
import { withId } from './new-document.ts'

/**
 * The system's data path: the official driver, without rules. Reads ask for raw BSON and decode it here rather than
 * with `promoteValues: false`, because that option also wraps the numeric codes the driver tells failovers by.
 *
 * @param maxDocuments documents a query yields at most; rules count and look beyond what they hand out
 */
export function createSystemData(runtime: Runtime, maxDocuments = maxDocumentsPerQuery): DataAccess {
  const collection = (ns: Namespace) => collectionOf(runtime, ns)

  const findRaw = (ns: Namespace, filter: Document, options: ReadOptions = {}) =>
    readRaw(
      () => collection(ns).find(filter, findOptions(readPreferenceOf(runtime, ns.service, options), maxDocuments)),
      maxDocuments,
    )

  const aggregateRaw = (ns: Namespace, pipeline: Document[], options: ReadOptions = {}) =>
    readRaw(
      () =>
        collection(ns).aggregate(
          servedPipeline(pipeline),
          aggregateOptions(readPreferenceOf(runtime, ns.service, options)),
        ),
      maxDocuments,
    )

  return {
    find: (ns, filter, options) => decodedCursor(findRaw(ns, filter, options)),
    findEncoded: (ns, filter, options) => encodedCursor(findRaw(ns, filter, options)),
    aggregate: (ns, pipeline, options) => decodedCursor(aggregateRaw(ns, pipeline, options)),
    aggregateEncoded: (ns, pipeline, options) => encodedCursor(aggregateRaw(ns, pipeline, options)),

    aggregateDatabase: (service, database, pipeline, options = {}) =>
      decodedCursor(
        readRaw(
          () =>
            databaseOf(runtime, service, database).aggregate(
              servedPipeline(pipeline),
              aggregateOptions(readPreferenceOf(runtime, service, options)),
            ),
          maxDocuments,
        ),
      ),

    async findOne(ns, filter, options = {}) {
      const found = findRaw(ns, filter, { ...options, limit: 1 })
      const first = await found.next()
      await found.return(undefined)
      return first.done ? null : toDocument(first.value)
    },

    count: (ns, filter, options = {}) =>
      callDatabase(async () => {
        const { projection: _p, sort: _s, ...rest } = readPreferenceOf(runtime, ns.service, options)
        return Number(await collection(ns).countDocuments(filter, rest as Document))
      }),

    distinct: (ns, field, filter, options = {}) =>
      callDatabase(async () => {
        const {
          projection: _p,
          sort: _s,
          limit: _l,
          skip: _k,
          ...rest
        } = readPreferenceOf(runtime, ns.service, options)
        const values = await collection(ns).distinct(field, filter, { ...(rest as Document), ...typedBsonOptions })
        return withOwnBsonClasses(values)
      }),

    insertOne: (ns, document, options = {}) =>
      callDatabase(async () => {
        const { document: complete, id } = withId(document)
        await collection(ns).insertOne(complete, { ...(options as Document), forceServerObjectId: true })
        return { insertedId: id }
      }),

    insertMany: (ns, documents, options = {}) =>
      callDatabase(async () => {
        const complete = documents.map(withId)
        await collection(ns).insertMany(
          complete.map(({ document }) => document),
          { ...(options as Document), forceServerObjectId: true },
        )
        return { insertedIds: complete.map(({ id }) => id) }
      }),

    updateOne: (ns, filter, update, options = {}) =>
      callDatabase(async () => toUpdateOutcome(await collection(ns).updateOne(filter, update, updateOptions(options)))),

    updateMany: (ns, filter, update, options = {}) =>
      callDatabase(async () =>
        toUpdateOutcome(await collection(ns).updateMany(filter, update, updateOptions(options))),
      ),

    replaceOne: (ns, filter, replacement, options = {}) =>
      callDatabase(async () =>
        toUpdateOutcome(await collection(ns).replaceOne(filter, replacement, updateOptions(options))),
      ),

    deleteOne: (ns, filter, options = {}) =>
      callDatabase(async () => {
        const { deletedCount } = await collection(ns).deleteOne(filter, options as Document)
        return { deletedCount }
      }),

    deleteMany: (ns, filter, options = {}) =>
      callDatabase(async () => {
        const { deletedCount } = await collection(ns).deleteMany(filter, options as Document)
        return { deletedCount }
      }),

    findOneAndUpdate: (ns, filter, update, options = {}) =>
      callDatabase(async () =>
        toFound(await collection(ns).findOneAndUpdate(filter, update, findAndModifyOptions(options))),
      ),

    findOneAndReplace: (ns, filter, replacement, options = {}) =>
      callDatabase(async () =>
        toFound(await collection(ns).findOneAndReplace(filter, replacement, findAndModifyOptions(options))),
      ),

    findOneAndDelete: (ns, filter, options = {}) =>
      callDatabase(async () => toFound(await collection(ns).findOneAndDelete(filter, findAndModifyOptions(options)))),

    bulkWrite: (ns, operations, options = {}) =>
      callDatabase(async () => {
        // The driver checks each operation's shape itself and refuses others.
        await collection(ns).bulkWrite(operations as AnyBulkWriteOperation<Document>[], options as Document)
      }),

    listCollectionNames: (service, database) =>
      callDatabase(async () => {
        const listed = await databaseOf(runtime, service, database).listCollections({}, { nameOnly: true }).toArray()
        return listed.map(({ name }) => name).sort()
      }),

    listDatabaseNames: (service) =>
      callDatabase(async () => {
        const { databases } = await clientOf(runtime, service).db('admin').admin().listDatabases({ nameOnly: true })
        return databases.map(({ name }) => name)
      }),

    startSession: (service): ClientSession => clientOf(runtime, service).startSession(),
  }
}

/** @throws {AppError} `MongoDBError` for the stages that not even the system has (spec: Data API 4) */
function servedPipeline(pipeline: Document[]): Document[] {
  for (const stage of pipeline) {
    const refused = ['$indexStats', '$currentOp'].find((name) => Object.hasOwn(stage, name))
    if (refused) throw new AppError('MongoDBError', `aggregation stage '${refused}' is not available`, { status: 400 })
  }
  return pipeline
}

function findOptions(options: ReadOptions, maxDocuments: number): FindOptions {
  const limit = Math.min(options.limit || maxDocuments, maxDocuments)
  const batchSize = Math.min(limit, readBatchSize)
  return { ...(options as FindOptions), limit: Number.isFinite(limit) ? limit : 0, batchSize, raw: true }
}

function aggregateOptions(options: ReadOptions): AggregateOptions {
  const { projection: _p, sort: _s, limit: _l, skip: _k, ...rest } = options
  return { ...(rest as AggregateOptions), batchSize: readBatchSize, raw: true }
}

function updateOptions(options: WriteOptions): Document {
  // Only an upsert answers a value whose BSON type a client may see.
  return options.upsert ? { ...options, ...typedBsonOptions } : { ...options }
}

function findAndModifyOptions({ returnNewDocument, ...options }: FindAndModifyOptions): Document {
  return { ...options, returnDocument: returnNewDocument ? 'after' : 'before', raw: true }
}

/** With `raw`, the driver hands out the found document as bytes inside the decoded reply. */
function toFound(value: unknown): Document | null {
  if (value === null || value === undefined || typeof value !== 'object') return null
  return toDocument(value)
}

interface DriverUpdateResult {
  matchedCount: number
  modifiedCount: number
  upsertedId: unknown
  upsertedCount: number
}

function toUpdateOutcome(result: DriverUpdateResult): UpdateOutcome {
  const counts = { matchedCount: Number(result.matchedCount), modifiedCount: Number(result.modifiedCount) }
  return Number(result.upsertedCount) > 0 ? { ...counts, upsertedId: withOwnBsonClasses(result.upsertedId) } : counts
}
