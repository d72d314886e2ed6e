import type { Db, Document, RunCommandCursor } from 'mongodb'
import { openChangeStream, openCursor } from './cursor.ts'
import type { OperationTable } from './operation.ts'

export const databaseOperations: OperationTable<Db> = {
  aggregate: (db, { pipeline, ...options }) => db.aggregate(pipeline, options).toArray(),
  createChangeStream: (db, { pipeline, ...options }) => openChangeStream(db.watch(pipeline, options)),
  createCollection: (db, { collection, ...options }) => db.createCollection(collection, options),
  dropCollection: (db, { collection, ...options }) => db.dropCollection(collection, options),
  drop: (db, options) => db.dropDatabase(options),
  // The driver has no collMod helper: the command a helper would send.
  modifyCollection: (db, { collection, session, ...fields }) =>
    db.command({ collMod: collection, ...fields }, { session }),
  listCollections: (db, { filter, ...options }) => db.listCollections(filter, options).toArray(),
  listCollectionNames: async (db, { filter, ...options }) => {
    const collections = await db.listCollections(filter, { ...options, nameOnly: true }).toArray()
    return collections.map(({ name }) => name)
  },
  runCommand: (db, { command, commandName: _name, ...options }) => db.command(command, options),
  runCursorCommand: (db, args) => commandCursor(db, args).toArray(),
  createCommandCursor: (db, args) => openCursor(commandCursor(db, args)),
}

function commandCursor(db: Db, args: Document): RunCommandCursor {
  const { command, commandName: _name, batchSize, maxTimeMS, comment, ...options } = args
  const cursor = db.runCursorCommand(command, options)
  if (batchSize !== undefined) cursor.setBatchSize(batchSize)
  if (maxTimeMS !== undefined) cursor.setMaxTimeMS(maxTimeMS)
  if (comment !== undefined) cursor.setComment(comment)
  return cursor
}
