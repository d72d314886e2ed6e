import { int, type Value } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'
import type { Collection } from '../storage/collection.ts'
import type { Command } from './command.ts'
import { reply } from './support/reply.ts'

/** Checks that every index holds exactly the keys of the documents. */
export const validate: Command = {
  name: 'validate',
  fields: ['full', 'repair', 'metadata', 'checkBSONConformance', 'background', 'scandata'],
  run(invocation) {
    const name = invocation.collectionName()
    const collection = invocation.find(name)
    if (!collection) throw new DatabaseError(26, `Collection '${invocation.db}.${name}' does not exist to validate.`)
    if (collection.options.has('viewOn')) throw new DatabaseError(166, 'Cannot validate a view')
    const errors = faults(collection)
    const keysPerIndex = [...collection.indexes.values()].map(
      ({ spec, tree }) => [spec.name, int(tree.size)] as [string, Value],
    )
    return reply({
      ns: collection.namespace,
      uuid: collection.uuid,
      nInvalidDocuments: int(0),
      nNonCompliantDocuments: int(0),
      nrecords: int(collection.records.size),
      nIndexes: int(collection.indexes.size),
      keysPerIndex: new Map(keysPerIndex),
      valid: errors.length === 0,
      repaired: false,
      warnings: [],
      errors,
    })
  },
}

function faults(collection: Collection): string[] {
  const errors: string[] = []
  for (const index of collection.indexes.values()) {
    let expected = 0
    const { tree } = index
    for (const record of collection.records.values()) {
      for (const { key } of index.keysOf(record.decode())) {
        expected++
        let found = false
        for (const holder of tree.all(key)) if (holder === record) found = true
        if (!found) errors.push(`index ${index.spec.name} misses a key of record ${record.id}`)
      }
    }
    if (tree.size !== expected) errors.push(`index ${index.spec.name} has ${tree.size} keys, not ${expected}`)
  }
  return errors
}
