import { DatabaseError } from '../errors.ts'
import { assertDatabaseName, assertWritableName } from '../storage/namespace.ts'
import type { Command } from './command.ts'
import { untilFree } from './support/locks.ts'
import { OK } from './support/reply.ts'

function split(namespace: string): { db: string; name: string } {
  const dot = namespace.indexOf('.')
  if (dot <= 0) throw new DatabaseError(73, `Invalid namespace specified '${namespace}'`)
  return { db: namespace.slice(0, dot), name: namespace.slice(dot + 1) }
}

/** Gives a collection another name, also in another database. */
export const renameCollection: Command = {
  name: 'renameCollection',
  adminOnly: true,
  fields: ['to', 'dropTarget', 'stayTemp'],
  writes: true,
  async run(invocation) {
    const { server, fields } = invocation
    const from = split(fields.requiredString('renameCollection'))
    const to = split(fields.requiredString('to'))
    assertDatabaseName(to.db)
    assertWritableName(to.db, to.name)
    if (from.db === to.db && from.name === to.name) {
      throw new DatabaseError(20, "Can't rename a collection to itself")
    }
    if (from.db === invocation.db) await untilFree(invocation, from.name)
    const collection = server.store.find(from.db, from.name)
    if (!collection) throw new DatabaseError(26, `Source collection ${from.db}.${from.name} does not exist`)
    if (server.store.find(to.db, to.name) && !fields.boolean('dropTarget')) {
      throw new DatabaseError(48, 'target namespace exists')
    }
    server.store.rename(collection, to.db, to.name)
    return OK
  },
}
