import type { Collection, CollectionOptions, Db, Document, MongoClient } from 'mongodb'
import type { DataSource } from '../../schemas/app/definition.ts'
import { AppError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import type { Namespace, ReadOptions } from './data-access.ts'
import { toDatabaseError } from './database-error.ts'

/**
 * Finds a data source by its service name.
 *
 * @throws {AppError} `ServiceNotFound`; `ServiceTypeNotFound` for kinds that are not served (federated sources, ...)
 */
export function findDataSource(runtime: Runtime, service: string): DataSource {
  const source = runtime.built.definition.dataSources.find(({ name }) => name === service)
  if (!source) throw new AppError('ServiceNotFound', `service not found: '${service}'`)
  if (source.type !== 'mongodb-atlas') {
    throw new AppError('ServiceTypeNotFound', `data source '${service}' has type '${source.type}', which is not served`)
  }
  return source
}

/** The driver's client of a data source. */
export function clientOf(runtime: Runtime, service: string): MongoClient {
  findDataSource(runtime, service)
  return runtime.options.clientFor(service)
}

export function databaseOf(runtime: Runtime, service: string, database: string): Db {
  const client = clientOf(runtime, service)
  try {
    return client.db(database)
  } catch (error) {
    throw toDatabaseError(error)
  }
}

/** The driver's collection; a bad name is the driver's refusal as `MongoDBError`. */
export function collectionOf(runtime: Runtime, ns: Namespace, options: CollectionOptions = {}): Collection<Document> {
  const database = databaseOf(runtime, ns.service, ns.database)
  try {
    return database.collection(ns.collection, options)
  } catch (error) {
    throw toDatabaseError(error)
  }
}

/** The read preference in force: the call's own, else the data source's; none inside a transaction. */
export function readPreferenceOf(runtime: Runtime, service: string, options: ReadOptions): ReadOptions {
  if (options.session?.inTransaction() || options.readPreference !== undefined) return options
  const { readPreference } = findDataSource(runtime, service)
  return readPreference === undefined ? options : { ...options, readPreference }
}
