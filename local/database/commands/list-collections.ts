import { encodeDocument } from '../bson/codec.ts'
import type { Doc, Value } from '../bson/value.ts'
import { compileFilter } from '../engine/match/filter.ts'
import type { Collection } from '../storage/collection.ts'
import type { Command } from './command.ts'
import { cursorReply } from './support/listing.ts'

/** The collections and views of a database. */
export const listCollections: Command = {
  name: 'listCollections',
  fields: ['filter', 'nameOnly', 'authorizedCollections', 'cursor'],
  stable: true,
  run(invocation) {
    const { server, db, fields } = invocation
    const matches = compileFilter(fields.document('filter') ?? new Map(), invocation.env())
    const nameOnly = fields.boolean('nameOnly') ?? false
    const found: Uint8Array[] = []
    for (const collection of server.store.collections(db)) {
      const description = describe(collection)
      if (matches(description)) found.push(encodeDocument(nameOnly ? brief(description) : description))
    }
    return cursorReply(invocation, `${db}.$cmd.listCollections`, found)
  },
}

function describe(collection: Collection): Doc {
  const view = collection.options.has('viewOn')
  const info: Doc = new Map<string, Value>([['readOnly', view]])
  if (!view) info.set('uuid', collection.uuid)
  const description: Doc = new Map<string, Value>([
    ['name', collection.name],
    ['type', view ? 'view' : 'collection'],
    ['options', collection.options],
    ['info', info],
  ])
  if (!view) description.set('idIndex', collection.idIndex.spec.description)
  return description
}

function brief(description: Doc): Doc {
  return new Map<string, Value>([
    ['name', description.get('name')!],
    ['type', description.get('type')!],
  ])
}
