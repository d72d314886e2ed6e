import { type Doc, int, type Value } from '../../bson/value.ts'
import type { Collection } from '../../storage/collection.ts'

/** What `collStats` tells of a collection; sizes in bytes divided by `scale`. */
export function collectionStats(collection: Collection, scale: number): Doc {
  const count = collection.records.size
  const size = Math.floor(collection.bytes / scale)
  const indexSizes: Doc = new Map()
  let totalIndexSize = 0
  for (const index of collection.indexes.values()) {
    const bytes = Math.floor((Math.max(1, index.spec.name === '_id_' ? count : index.tree.size) * 48) / scale)
    indexSizes.set(index.spec.name, int(bytes))
    totalIndexSize += bytes
  }
  return new Map<string, Value>([
    ['size', int(size)],
    ['count', int(count)],
    ...(count > 0 ? [['avgObjSize', int(Math.floor(collection.bytes / count))] as const] : []),
    ['numOrphanDocs', int(0)],
    ['storageSize', int(size)],
    ['freeStorageSize', int(0)],
    ['capped', collection.capped],
    ['nindexes', int(collection.indexes.size)],
    ['totalIndexSize', int(totalIndexSize)],
    ['totalSize', int(size + totalIndexSize)],
    ['indexSizes', indexSizes],
    ['scaleFactor', int(scale)],
  ])
}
