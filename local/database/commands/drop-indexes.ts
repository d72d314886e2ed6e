import { valuesEqual } from '../bson/compare.ts'
import { printValue } from '../bson/print.ts'
import { int, isDoc, type Value } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'
import type { Collection } from '../storage/collection.ts'
import type { Command } from './command.ts'
import { reply } from './support/reply.ts'

/** Removes indexes by name or key, or all but that of `_id`. */
export const dropIndexes: Command = {
  name: 'dropIndexes',
  fields: ['index'],
  writes: true,
  stable: true,
  run(invocation) {
    const name = invocation.collectionName()
    const collection = invocation.find(name)
    if (!collection) throw new DatabaseError(26, `ns not found ${invocation.db}.${name}`)
    const wanted = invocation.fields.raw('index')
    const before = collection.indexes.size
    if (wanted === '*') {
      const names = [...collection.indexes.keys()].filter((index) => index !== '_id_')
      invocation.server.store.dropIndexes(collection, names)
      return reply({ msg: 'non-_id indexes dropped for collection', nIndexesWas: int(before) })
    }
    const names = (Array.isArray(wanted) ? wanted : [wanted]).map((index) => indexName(collection, index))
    invocation.server.store.dropIndexes(collection, names)
    return reply({ nIndexesWas: int(before) })
  },
}

function indexName(collection: Collection, wanted: Value | undefined): string {
  if (wanted === '_id_') throw new DatabaseError(72, 'cannot drop _id index')
  if (typeof wanted === 'string') {
    if (!collection.indexes.has(wanted)) throw new DatabaseError(27, `index not found with name [${wanted}]`)
    return wanted
  }
  if (!isDoc(wanted)) throw new DatabaseError(14, "BSON field 'dropIndexes.index' is the wrong type")
  for (const { spec } of collection.indexes.values()) {
    if (!valuesEqual(spec.key, wanted)) continue
    if (spec.name === '_id_') throw new DatabaseError(72, 'cannot drop _id index')
    return spec.name
  }
  throw new DatabaseError(27, `can't find index with key: ${printValue(wanted)}`)
}
