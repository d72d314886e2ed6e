import { valuesEqual } from '../bson/compare.ts'
import { toDouble } from '../bson/number.ts'
import { printValue } from '../bson/print.ts'
import { type Doc, int, isDoc, isNumber, type Value } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'
import type { Collection } from '../storage/collection.ts'
import type { Index } from '../storage/index.ts'
import { compileValidator } from '../storage/validator.ts'
import type { Command } from './command.ts'
import { Fields } from './support/fields.ts'
import { reply } from './support/reply.ts'

const COLLECTION_OPTIONS = [
  'validator',
  'validationLevel',
  'validationAction',
  'changeStreamPreAndPostImages',
  'viewOn',
  'pipeline',
]

/** Changes a collection's options, or one index's. */
export const collMod: Command = {
  name: 'collMod',
  fields: ['index', 'cappedSize', 'cappedMax', 'expireAfterSeconds', 'dryRun', ...COLLECTION_OPTIONS],
  writes: true,
  stable: true,
  run(invocation) {
    const { server, fields, body } = invocation
    const name = invocation.collectionName()
    const collection = invocation.find(name)
    if (!collection) throw new DatabaseError(26, `ns does not exist: ${invocation.db}.${name}`)
    const changes = new Map([...body].filter(([field]) => COLLECTION_OPTIONS.includes(field)))
    if (changes.size > 0 || !fields.raw('index')) {
      const options = changedOptions(collection, changes, fields)
      server.store.modify(
        collection,
        new Map<string, Value>([
          ['options', options],
          ['shown', changes],
          ['before', new Map(collection.options)],
        ]),
      )
    }
    const index = fields.document('index')
    if (!index) return reply()
    return reply(modifyIndex(collection, index, (details) => server.store.modify(collection, details)))
  },
}

function changedOptions(collection: Collection, changes: Doc, fields: Fields): Doc {
  const options = new Map(collection.options)
  const validator = fields.document('validator')
  if (validator) compileValidator(validator)
  const level = fields.string('validationLevel')
  if (level !== undefined && !['off', 'strict', 'moderate'].includes(level)) {
    throw new DatabaseError(2, `Enumeration value '${level}' for field 'collMod.validationLevel' is not a valid value.`)
  }
  const action = fields.string('validationAction')
  if (action !== undefined && !['error', 'warn', 'errorAndLog'].includes(action)) {
    throw new DatabaseError(
      2,
      `Enumeration value '${action}' for field 'collMod.validationAction' is not a valid value.`,
    )
  }
  for (const [option, value] of changes) options.set(option, value)
  if (validator?.size === 0) options.delete('validator')
  const images = fields.document('changeStreamPreAndPostImages')
  if (images && typeof images.get('enabled') !== 'boolean') {
    throw new DatabaseError(40414, "BSON field 'changeStreamPreAndPostImages.enabled' is missing but a required field")
  }
  if (images?.get('enabled') === false) options.delete('changeStreamPreAndPostImages')
  return options
}

function modifyIndex(collection: Collection, wanted: Doc, modify: (details: Doc) => void): { [name: string]: Value } {
  const fields = new Fields(wanted, 'collMod.index')
  fields.only(
    new Set(['name', 'keyPattern', 'expireAfterSeconds', 'hidden', 'unique', 'prepareUnique', 'forceNonUnique']),
  )
  const index = indexOf(collection, fields)
  const { description } = index.spec
  const changed: Doc = new Map(description)
  const answer: { [name: string]: Value } = {}
  const expire = fields.raw('expireAfterSeconds')
  const hidden = fields.boolean('hidden')
  const unique = fields.boolean('unique')
  const prepareUnique = fields.boolean('prepareUnique')
  if (fields.raw('forceNonUnique') !== undefined) {
    throw new DatabaseError(238, 'collMod option index.forceNonUnique is not supported by the local database')
  }
  if (expire === undefined && hidden === undefined && unique === undefined && prepareUnique === undefined) {
    throw new DatabaseError(72, 'no expireAfterSeconds, hidden, unique, or prepareUnique field')
  }
  if (expire !== undefined) {
    if (!isNumber(expire)) throw new DatabaseError(14, "BSON field 'expireAfterSeconds' is the wrong type")
    if (toDouble(expire) < 0 || toDouble(expire) > 2147483647) {
      throw new DatabaseError(72, "TTL index 'expireAfterSeconds' option must be within an acceptable range")
    }
    if (index.spec.fields.length > 1 || index.spec.name === '_id_') {
      throw new DatabaseError(72, 'cannot set expireAfterSeconds on this index')
    }
    if (index.spec.expireAfterSeconds !== undefined)
      answer.expireAfterSeconds_old = BigInt(index.spec.expireAfterSeconds)
    answer.expireAfterSeconds_new = BigInt(Math.trunc(toDouble(expire)))
    changed.set('expireAfterSeconds', int(Math.trunc(toDouble(expire))))
  }
  if (hidden !== undefined) {
    if (index.spec.name === '_id_') throw new DatabaseError(2, "can't hide _id index")
    answer.hidden_old = index.spec.hidden
    answer.hidden_new = hidden
    if (hidden) changed.set('hidden', true)
    else changed.delete('hidden')
  }
  if (prepareUnique !== undefined) {
    answer.prepareUnique_old = index.spec.prepareUnique
    answer.prepareUnique_new = prepareUnique
    if (prepareUnique) changed.set('prepareUnique', true)
    else changed.delete('prepareUnique')
  }
  if (unique) {
    if (!index.spec.prepareUnique) {
      throw new DatabaseError(72, 'Cannot make index unique; it must first be prepared with prepareUnique')
    }
    assertUnique(index)
    changed.delete('prepareUnique')
    answer.unique_new = true
    changed.set('unique', true)
  }
  modify(
    new Map<string, Value>([
      ['index', changed],
      ['shown', new Map([['index', wanted]])],
      ['before', new Map([['index', description]])],
    ]),
  )
  return answer
}

/** @throws {DatabaseError} 359 CannotConvertIndexToUnique, with the `_id`s that share a key */
function assertUnique(index: Index): void {
  const violations: Doc[] = []
  let previous: string | undefined
  let ids: Value[] = []
  const flush = (): void => {
    if (ids.length > 1) violations.push(new Map([['ids', ids]]))
  }
  for (const [key, record] of index.tree.scan('', undefined)) {
    if (key !== previous) {
      flush()
      ids = []
    }
    previous = key
    ids.push(record.decode().get('_id') ?? null)
  }
  flush()
  if (violations.length === 0) return
  throw new DatabaseError(
    359,
    'Cannot convert the index to unique. Please resolve conflicting documents before running collMod again.',
    { extra: new Map([['violations', violations]]) },
  )
}

function indexOf(collection: Collection, fields: Fields): Index {
  const name = fields.string('name')
  const pattern = fields.document('keyPattern')
  if ((name === undefined) === (pattern === undefined)) {
    throw new DatabaseError(72, 'Must specify either index name or key pattern.')
  }
  for (const index of collection.indexes.values()) {
    if (index.spec.name === name || (isDoc(pattern) && valuesEqual(index.spec.key, pattern))) return index
  }
  throw new DatabaseError(27, `cannot find index ${name ?? printValue(pattern)} for ns ${collection.namespace}`)
}
