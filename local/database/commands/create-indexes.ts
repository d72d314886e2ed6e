import { int, isDoc } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'
import { alreadyIndexed, type IndexSpec, parseIndexSpec } from '../storage/index-spec.ts'
import type { Command } from './command.ts'
import { reply } from './support/reply.ts'
import { assertWritableCollection } from './support/writing.ts'

/** Builds indexes; one that is there already is left alone. */
export const createIndexes: Command = {
  name: 'createIndexes',
  fields: ['indexes', 'commitQuorum', 'ignoreUnknownIndexOptions', 'v'],
  inTransaction: true,
  writes: true,
  stable: true,
  run(invocation) {
    const { fields, server } = invocation
    const name = invocation.collectionName()
    const wanted = fields.documents('indexes')
    if (!wanted) throw new DatabaseError(40414, "BSON field 'createIndexes.indexes' is missing but a required field")
    if (wanted.length === 0) throw new DatabaseError(2, 'Must specify at least one index to create')
    const existing = invocation.find(name)
    assertWritableCollection(existing)
    const collation = existing?.options.get('collation')
    const specs = wanted.map((description) => parseIndexSpec(description, isDoc(collation) ? collation : undefined))
    const known: IndexSpec[] = [...(existing?.indexes.values() ?? [])].map(({ spec }) => spec)
    const added: IndexSpec[] = []
    for (const spec of specs) {
      if (isIdKey(spec) || alreadyIndexed([...known, ...added], spec)) continue
      added.push(spec)
    }
    if (added.length > 0 && existing && invocation.transaction && !invocation.transaction.created.includes(existing)) {
      throw new DatabaseError(
        263,
        `Cannot create new indexes on existing collection ${invocation.db}.${name} in a multi-document transaction.`,
      )
    }
    const before = existing?.indexes.size ?? 1
    const collection = existing ?? server.store.ensure(invocation.db, name, invocation.writeContext())
    if (added.length > 0)
      server.store.createIndexes(
        collection,
        added.map(({ description }) => description),
        invocation.transaction,
      )
    return reply({
      numIndexesBefore: int(before),
      numIndexesAfter: int(collection.indexes.size),
      createdCollectionAutomatically: existing === undefined,
      ...(added.length === 0 ? { note: 'all indexes already exist' } : {}),
      commitQuorum: 'votingMembers',
    })
  },
}

function isIdKey(spec: IndexSpec): boolean {
  if (spec.fields.length !== 1 || spec.fields[0] !== '_id' || typeof spec.key.get('_id') === 'string') return false
  if (spec.name !== '_id_' && spec.name !== '_id_1') {
    throw new DatabaseError(2, `The index name '_id_' is required for the _id index, not '${spec.name}'`)
  }
  return true
}
