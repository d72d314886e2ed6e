import { int } from '../bson/value.ts'
import type { Command } from './command.ts'
import { untilFree } from './support/locks.ts'
import { reply } from './support/reply.ts'

/** Removes a collection; one that is not there is removed already. */
export const drop: Command = {
  name: 'drop',
  fields: ['collectionUUID'],
  writes: true,
  stable: true,
  async run(invocation) {
    const { server, db } = invocation
    const name = invocation.collectionName()
    await untilFree(invocation, name)
    const collection = invocation.find(name)
    if (!collection) return reply()
    const indexes = collection.indexes.size
    server.store.drop(collection)
    return reply({ nIndexesWas: int(indexes), ns: `${db}.${name}` })
  },
}
