import type { Command } from './command.ts'
import { untilFree } from './support/locks.ts'
import { reply } from './support/reply.ts'

/** Removes a database with all its collections. */
export const dropDatabase: Command = {
  name: 'dropDatabase',
  fields: [],
  writes: true,
  stable: true,
  async run(invocation) {
    const { server, db } = invocation
    for (const { name } of [...server.store.collections(db)]) await untilFree(invocation, name)
    const existed = server.store.databases.has(db)
    server.store.dropDatabase(db)
    return reply(existed ? { dropped: db } : {})
  },
}
