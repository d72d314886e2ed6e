import { int } from '../bson/value.ts'
import type { Command } from './command.ts'
import { reply } from './support/reply.ts'

/** Sizes of a database. */
export const dbStats: Command = {
  name: 'dbStats',
  fields: ['scale', 'freeStorage'],
  run({ server, db, fields }) {
    const scale = fields.integer('scale', 1) ?? 1
    let collections = 0
    let views = 0
    let objects = 0
    let bytes = 0
    let indexes = 0
    for (const collection of server.store.collections(db)) {
      if (collection.options.has('viewOn')) {
        views++
        continue
      }
      collections++
      objects += collection.records.size
      bytes += collection.bytes
      indexes += collection.indexes.size
    }
    const indexBytes = objects * 48
    return reply({
      db,
      collections: BigInt(collections),
      views: BigInt(views),
      objects: BigInt(objects),
      avgObjSize: objects === 0 ? 0 : bytes / objects,
      dataSize: bytes / scale,
      storageSize: bytes / scale,
      indexes: BigInt(indexes),
      indexSize: indexBytes / scale,
      totalSize: (bytes + indexBytes) / scale,
      scaleFactor: int(scale),
      fsUsedSize: 0,
      fsTotalSize: 0,
    })
  },
}
