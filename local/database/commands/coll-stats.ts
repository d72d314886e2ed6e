import { int, type Value } from '../bson/value.ts'
import type { Command } from './command.ts'
import { reply } from './support/reply.ts'
import { collectionStats } from './support/stats.ts'
import { assertWritableCollection } from './support/writing.ts'

/** Sizes of a collection. */
export const collStats: Command = {
  name: 'collStats',
  fields: ['scale'],
  run(invocation) {
    const name = invocation.collectionName()
    const scale = invocation.fields.integer('scale', 1) ?? 1
    const collection = invocation.find(name)
    const ns = `${invocation.db}.${name}`
    if (!collection) {
      return reply({
        ns,
        size: int(0),
        count: int(0),
        storageSize: int(0),
        totalSize: int(0),
        nindexes: int(0),
        totalIndexSize: int(0),
        indexSizes: new Map(),
        scaleFactor: int(scale),
      })
    }
    assertWritableCollection(collection)
    return { fields: new Map<string, Value>([['ns', ns], ...collectionStats(collection, scale)]) }
  },
}
