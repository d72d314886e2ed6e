import type { ClientSession, Document, ReadPreferenceLike } from 'mongodb'

export interface Namespace {
  /** The data source's service name. */
  readonly service: string
  readonly database: string
  readonly collection: string
}

export interface ReadOptions {
  projection?: Document
  sort?: Document
  limit?: number
  skip?: number
  session?: ClientSession
  collation?: Document
  readConcern?: Document
  readPreference?: ReadPreferenceLike
  hint?: Document | string
  maxTimeMS?: number
  allowDiskUse?: boolean
}

export interface WriteOptions {
  upsert?: boolean
  arrayFilters?: Document[]
  session?: ClientSession
  collation?: Document
  writeConcern?: Document
  bypassDocumentValidation?: boolean
  hint?: Document | string
}

export interface FindAndModifyOptions extends WriteOptions {
  projection?: Document
  sort?: Document
  returnNewDocument?: boolean
}

export interface UpdateOutcome {
  matchedCount: number
  modifiedCount: number
  /** Present only when the call inserted. */
  upsertedId?: unknown
}

/** A document as the server sent it (BSON bytes), or decoded where rules had to change it. */
export type StoredDocument = Uint8Array | Document

/** A lazily started read that leaves documents encoded, for answers written straight from BSON. */
export interface EncodedCursor extends AsyncIterable<StoredDocument> {
  /** The next document, or null when exhausted. */
  next(): Promise<StoredDocument | null>
  close(): Promise<void>
}

/** A lazily started read; nothing is sent before the first `next` or `toArray`. */
export interface DocumentCursor extends AsyncIterable<Document> {
  /** The next document, or null when exhausted. */
  next(): Promise<Document | null>
  toArray(): Promise<Document[]>
  close(): Promise<void>
}

/**
 * Every read and write of an app passes here, as one caller: the system's goes straight to the driver, a user's through
 * roles, filters, field rules and schemas. Documents keep their BSON types (`promoteValues: false`: Int32, Double,
 * Long, ... instances), so that typed EJSON can be written from them.
 *
 * @throws {AppError} `NoMatchingRuleFound`, `FunctionExecutionError` (`insert not permitted`, ...),
 *   `SchemaValidationFailedWrite`, `MongoDBError` with the server's text, `ServiceNotFound`, `ReadSizeLimitExceeded`
 */
export interface DataAccess {
  find(ns: Namespace, filter: Document, options?: ReadOptions): DocumentCursor
  findOne(ns: Namespace, filter: Document, options?: ReadOptions): Promise<Document | null>
  aggregate(ns: Namespace, pipeline: Document[], options?: ReadOptions): DocumentCursor
  /** `find` for a writer of EJSON text: the same documents, not decoded where that can be helped. */
  findEncoded(ns: Namespace, filter: Document, options?: ReadOptions): EncodedCursor
  /** `aggregate` for a writer of EJSON text. */
  aggregateEncoded(ns: Namespace, pipeline: Document[], options?: ReadOptions): EncodedCursor
  /** Database-level aggregation; system only. */
  aggregateDatabase(service: string, database: string, pipeline: Document[], options?: ReadOptions): DocumentCursor
  count(ns: Namespace, filter: Document, options?: ReadOptions): Promise<number>
  distinct(ns: Namespace, field: string, filter: Document, options?: ReadOptions): Promise<unknown[]>
  insertOne(ns: Namespace, document: Document, options?: WriteOptions): Promise<{ insertedId: unknown }>
  insertMany(
    ns: Namespace,
    documents: Document[],
    options?: WriteOptions & { ordered?: boolean },
  ): Promise<{ insertedIds: unknown[] }>
  updateOne(
    ns: Namespace,
    filter: Document,
    update: Document | Document[],
    options?: WriteOptions,
  ): Promise<UpdateOutcome>
  updateMany(
    ns: Namespace,
    filter: Document,
    update: Document | Document[],
    options?: WriteOptions,
  ): Promise<UpdateOutcome>
  replaceOne(ns: Namespace, filter: Document, replacement: Document, options?: WriteOptions): Promise<UpdateOutcome>
  deleteOne(ns: Namespace, filter: Document, options?: WriteOptions): Promise<{ deletedCount: number }>
  deleteMany(ns: Namespace, filter: Document, options?: WriteOptions): Promise<{ deletedCount: number }>
  findOneAndUpdate(
    ns: Namespace,
    filter: Document,
    update: Document | Document[],
    options?: FindAndModifyOptions,
  ): Promise<Document | null>
  findOneAndReplace(
    ns: Namespace,
    filter: Document,
    replacement: Document,
    options?: FindAndModifyOptions,
  ): Promise<Document | null>
  findOneAndDelete(ns: Namespace, filter: Document, options?: FindAndModifyOptions): Promise<Document | null>
  /** Operations in the driver's form, `{ insertOne: {...} }` ...; all checked and applied as one. */
  bulkWrite(ns: Namespace, operations: Document[], options?: WriteOptions & { ordered?: boolean }): Promise<void>
  /** System only. */
  listCollectionNames(service: string, database: string): Promise<string[]>
  /** System only. */
  listDatabaseNames(service: string): Promise<string[]>
  startSession(service: string): ClientSession
}
