import type { ClientBulkWriteModel, MongoClient } from 'mongodb'
import { InvalidTestError } from '../errors.ts'
import { isJson } from '../format.ts'
import { openChangeStream } from './cursor.ts'
import type { OperationTable } from './operation.ts'

export const clientOperations: OperationTable<MongoClient> = {
  close: (client) => client.close(),
  createChangeStream: (client, { pipeline, ...options }) => openChangeStream(client.watch(pipeline, options)),
  clientBulkWrite: (client, { models, ...options }) => client.bulkWrite(models.map(toClientModel), options),
  listDatabases: async (client, { filter, ...options }) => {
    const { databases } = await client
      .db('admin')
      .admin()
      .listDatabases({ ...(filter ? { filter } : {}), ...options })
    return databases
  },
  listDatabaseNames: async (client, { filter, ...options }) => {
    const admin = client.db('admin').admin()
    const { databases } = await admin.listDatabases({ ...(filter ? { filter } : {}), ...options, nameOnly: true })
    return databases.map(({ name }) => name)
  },
  appendMetadata: async (client, { driverInfoOptions }) => client.appendMetadata(driverInfoOptions),
}

/** `{ insertOne: { ... } }` of the format is `{ name: 'insertOne', ... }` in the driver. */
function toClientModel(model: unknown): ClientBulkWriteModel<never>[][number] {
  const [name, fields] = isJson(model) ? (Object.entries(model)[0] ?? []) : []
  if (name === undefined || !isJson(fields)) throw new InvalidTestError('a write model has exactly one key')
  return { name, ...fields } as unknown as ClientBulkWriteModel<never>[][number]
}
