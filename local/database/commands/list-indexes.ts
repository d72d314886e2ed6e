import { encodeDocument } from '../bson/codec.ts'
import type { Doc, Value } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'
import type { Collection } from '../storage/collection.ts'
import type { Command } from './command.ts'
import { cursorReply } from './support/listing.ts'
import { assertWritableCollection } from './support/writing.ts'

/** The indexes of a collection. */
export const listIndexes: Command = {
  name: 'listIndexes',
  fields: ['cursor', 'includeBuildUUIDs', 'includeIndexBuildInfo'],
  stable: true,
  run(invocation) {
    const name = invocation.collectionName()
    const collection = invocation.find(name)
    if (!collection) throw new DatabaseError(26, `ns does not exist: ${invocation.db}.${name}`)
    assertWritableCollection(collection)
    const indexes = [...collection.indexes.values()].map(({ spec }) => shown(collection, spec.description))
    return cursorReply(invocation, `${invocation.db}.${name}`, indexes.map(encodeDocument))
  },
}

function shown(collection: Collection, description: Doc): Doc {
  if (description.get('name') !== '_id_') return description
  const clustered = collection.options.get('clusteredIndex')
  if (!(clustered instanceof Map)) return description
  return new Map<string, Value>([
    ...description,
    ['name', clustered.get('name') ?? '_id_'],
    ['unique', true],
    ['clustered', true],
  ])
}
