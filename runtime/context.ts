import type { Document } from 'bson'
import type { RequestInfo } from './caller.ts'
import type { User } from './user.ts'

/**
 * The `context` of a function, as App Services documents it and no wider, so that the compiler refuses a call that only
 * the Node driver has (spec: function runtime 3 and 5).
 */
export interface Context {
  readonly functions: { execute(name: string, ...args: unknown[]): unknown }
  readonly services: { get(name: string): MongoService }
  readonly values: { get(name: string): unknown }
  readonly environment: { readonly tag: string; readonly values: Record<string, unknown> }
  readonly user: User
  readonly app: {
    readonly id: string
    readonly clientAppId: string
    readonly name: string
    readonly projectId: string
    readonly deployment: { readonly model: string; readonly providerRegion: string }
    readonly lastDeployed: string
  }
  readonly request: RequestInfo
  readonly http: HttpClient
  runningAsSystem(): boolean
}

export interface MongoService {
  db(name: string): MongoServiceDatabase
  startSession(): ServiceSession
}

export interface ServiceSession {
  withTransaction<T>(body: () => Promise<T>, options?: Document): Promise<T>
  abortTransaction(): Promise<void>
  endSession(): void
}

export interface MongoServiceDatabase {
  collection<T extends object = Document>(name: string): MongoServiceCollection<T>
  /** System only. */
  getCollectionNames(): string[]
}

export interface ServiceReadOptions {
  sort?: Document
  limit?: number
  skip?: number
  session?: ServiceSession
}

export interface ServiceWriteOptions {
  upsert?: boolean
  arrayFilters?: Document[]
  session?: ServiceSession
}

export interface ServiceFindAndModifyOptions extends ServiceWriteOptions {
  projection?: Document
  sort?: Document
  returnNewDocument?: boolean
}

/** Stored documents carry an `_id` even where `T` does not name it. */
export type Stored<T> = T extends { _id: unknown } ? T : T & { _id: unknown }

export interface MongoServiceCollection<T extends object> {
  find(query?: Document, projection?: Document, options?: ServiceReadOptions): ServiceCursor<Stored<T>>
  findOne(query?: Document, projection?: Document, options?: ServiceReadOptions): Promise<Stored<T> | null>
  findOneAndUpdate(query: Document, update: Document, options?: ServiceFindAndModifyOptions): Promise<Stored<T> | null>
  findOneAndReplace(query: Document, replacement: T, options?: ServiceFindAndModifyOptions): Promise<Stored<T> | null>
  findOneAndDelete(query: Document, options?: ServiceFindAndModifyOptions): Promise<Stored<T> | null>
  insertOne(document: T, options?: { session?: ServiceSession }): Promise<{ insertedId: unknown }>
  insertMany(
    documents: T[],
    options?: { ordered?: boolean; session?: ServiceSession },
  ): Promise<{ insertedIds: unknown[] }>
  updateOne(query: Document, update: Document | Document[], options?: ServiceWriteOptions): Promise<ServiceUpdateResult>
  updateMany(
    query: Document,
    update: Document | Document[],
    options?: ServiceWriteOptions,
  ): Promise<ServiceUpdateResult>
  deleteOne(query: Document, options?: { session?: ServiceSession }): Promise<{ deletedCount: number }>
  deleteMany(query: Document, options?: { session?: ServiceSession }): Promise<{ deletedCount: number }>
  aggregate<R = Document>(
    pipeline: Document[],
    options?: { session?: ServiceSession; allowDiskUse?: boolean },
  ): ServiceCursor<R>
  count(query?: Document, options?: { session?: ServiceSession }): Promise<number>
  distinct(field: string, query: Document): Promise<unknown[]>
  bulkWrite(operations: Document[], options?: { ordered?: boolean; session?: ServiceSession }): Promise<null>
}

export interface ServiceUpdateResult {
  matchedCount: number
  modifiedCount: number
  /** Present only when the call inserted. */
  upsertedId?: unknown
}

export interface ServiceCursor<T> {
  /** The next document, or undefined when exhausted. */
  next(): Promise<T | undefined>
  toArray(): Promise<T[]>
  sort(sort: Document): ServiceCursor<T>
  limit(n: number): ServiceCursor<T>
  skip(n: number): ServiceCursor<T>
}

export interface HttpClient {
  get(args: HttpRequest): Promise<HttpResponse>
  post(args: HttpRequest): Promise<HttpResponse>
  put(args: HttpRequest): Promise<HttpResponse>
  patch(args: HttpRequest): Promise<HttpResponse>
  delete(args: HttpRequest): Promise<HttpResponse>
  head(args: HttpRequest): Promise<HttpResponse>
}

export interface HttpRequest {
  url?: string
  scheme?: string
  host?: string
  path?: string
  query?: Record<string, string[]>
  headers?: Record<string, string[]>
  cookies?: Record<string, string>
  followRedirects?: boolean
  body?: unknown
  encodeBodyAsJSON?: boolean
  form?: Record<string, string>
}

export interface HttpResponse {
  status: string
  statusCode: number
  contentLength: number
  headers: Record<string, string[]>
  cookies: Record<string, unknown>
  body: RequestBody
}

/** A `BSON.Binary` as endpoints and `context.http` hand it out. */
export interface RequestBody {
  text(): string
  toBase64(): string
  toHex(): string
}

/** First argument of an HTTPS endpoint's function. */
export interface EndpointRequest {
  /** First value of each query key, `secret` left out. */
  readonly query: Record<string, string>
  readonly headers: Record<string, string[]>
  /** Undefined when the request has no body. */
  readonly body: RequestBody | undefined
}

/** Second argument of an HTTPS endpoint's function. */
export interface EndpointResponse {
  setStatusCode(status: number): void
  setBody(body: string | RequestBody): void
  setHeader(name: string, value: string): void
  addHeader(name: string, value: string): void
}

/** The argument of a database trigger's function (spec: triggers 2.2). */
export interface ChangeEvent<T = Document> {
  readonly _id: { readonly _data: string }
  readonly operationType: string
  readonly ns: { readonly db: string; readonly coll: string }
  readonly documentKey: { readonly _id: unknown }
  readonly fullDocument?: T | null
  readonly fullDocumentBeforeChange?: T | null
  readonly updateDescription?: {
    readonly updatedFields: Document
    readonly removedFields: string[]
  }
  readonly clusterTime?: unknown
  readonly wallTime?: Date
}
