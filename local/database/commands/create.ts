import { valuesEqual } from '../bson/compare.ts'
import { printValue } from '../bson/print.ts'
import { type Doc, int, isDoc, type Value } from '../bson/value.ts'
import { createCollation } from '../engine/collation.ts'
import { DatabaseError } from '../errors.ts'
import type { Command } from './command.ts'
import type { Invocation } from './invocation.ts'
import { OK } from './support/reply.ts'

const OPTIONS = [
  'capped',
  'size',
  'max',
  'validator',
  'validationLevel',
  'validationAction',
  'collation',
  'viewOn',
  'pipeline',
  'clusteredIndex',
  'expireAfterSeconds',
  'changeStreamPreAndPostImages',
  'storageEngine',
  'indexOptionDefaults',
  'idIndex',
  'autoIndexId',
  'flags',
  'temp',
  'timeseries',
  'encryptedFields',
  'recordIdsReplicated',
]
const REFUSED: Readonly<{ [option: string]: string }> = {
  timeseries: 'Time series collections are not supported by the local database',
  encryptedFields: 'Queryable encryption is not supported by the local database',
}

/** Makes a collection or a view. */
export const create: Command = {
  name: 'create',
  fields: OPTIONS,
  inTransaction: true,
  writes: true,
  stable: true,
  unstable: [
    'capped',
    'size',
    'max',
    'autoIndexId',
    'idIndex',
    'flags',
    'temp',
    'storageEngine',
    'indexOptionDefaults',
  ],
  run(invocation) {
    const { server, db, fields } = invocation
    const name = invocation.collectionName()
    for (const [option, message] of Object.entries(REFUSED)) {
      if (fields.raw(option) !== undefined) throw new DatabaseError(238, message)
    }
    const options = collectionOptions(invocation)
    const existing = invocation.find(name)
    if (existing) {
      if (valuesEqual(existing.options, options) && !invocation.transaction) return OK
      throw new DatabaseError(48, `Collection ${db}.${name} already exists.`)
    }
    if (invocation.transaction && options.has('capped')) {
      throw new DatabaseError(263, 'Cannot create a capped collection in a multi-document transaction.')
    }
    server.store.create(db, name, options, invocation.transaction)
    return OK
  },
}

function collectionOptions({ body, fields }: Invocation): Doc {
  const options: Doc = new Map()
  for (const option of OPTIONS) {
    const value = body.get(option)
    if (value === undefined || value === null || ['idIndex', 'autoIndexId', 'flags', 'temp'].includes(option)) continue
    options.set(option, value)
  }
  if (fields.boolean('capped')) {
    const size = fields.integer('size', 1)
    if (size === undefined) throw new DatabaseError(72, "the 'size' field is required when 'capped' is true")
    options.set('capped', true)
    options.set('size', BigInt(Math.ceil(size / 256) * 256))
    const max = fields.integer('max', Number.MIN_SAFE_INTEGER)
    if (max === undefined || max <= 0) options.delete('max')
  } else {
    if (fields.raw('size') !== undefined || fields.raw('max') !== undefined) {
      throw new DatabaseError(
        72,
        "the 'capped' field needs to be true when either the 'size' or 'max' fields are present",
      )
    }
    options.delete('capped')
  }
  checkValidation(options)
  const collation = fields.document('collation')
  if (collation) {
    if (!createCollation(collation)) options.delete('collation')
    else options.set('collation', fullCollation(collation))
  }
  checkView(options)
  checkPreImages(fields.document('changeStreamPreAndPostImages'), options)
  checkClustered(fields.raw('clusteredIndex'), options)
  return options
}

function checkValidation(options: Doc): void {
  const level = options.get('validationLevel')
  if (level !== undefined && !['off', 'strict', 'moderate'].includes(String(level))) {
    throw new DatabaseError(
      2,
      `Enumeration value '${String(level)}' for field 'create.validationLevel' is not a valid value.`,
    )
  }
  const action = options.get('validationAction')
  if (action !== undefined && !['error', 'warn', 'errorAndLog'].includes(String(action))) {
    throw new DatabaseError(
      2,
      `Enumeration value '${String(action)}' for field 'create.validationAction' is not a valid value.`,
    )
  }
  const validator = options.get('validator')
  if (validator !== undefined && !isDoc(validator)) {
    throw new DatabaseError(14, "BSON field 'create.validator' is the wrong type, expected type 'object'")
  }
}

function checkView(options: Doc): void {
  const on = options.get('viewOn')
  if (on === undefined) {
    if (options.has('pipeline')) throw new DatabaseError(72, "'pipeline' requires 'viewOn' to also be specified")
    return
  }
  if (typeof on !== 'string' || on === '') throw new DatabaseError(2, "'viewOn' cannot be empty")
  if (!options.has('pipeline')) options.set('pipeline', [])
  const pipeline = options.get('pipeline')
  if (Array.isArray(pipeline) && pipeline.some((stage) => isDoc(stage) && (stage.has('$out') || stage.has('$merge')))) {
    throw new DatabaseError(167, 'The aggregation stage $out in a view definition is not allowed')
  }
}

function checkPreImages(images: Doc | undefined, options: Doc): void {
  if (!images) return
  if (typeof images.get('enabled') !== 'boolean') {
    throw new DatabaseError(
      40414,
      "BSON field 'create.changeStreamPreAndPostImages.enabled' is missing but a required field",
    )
  }
  if (images.get('enabled') === false) options.delete('changeStreamPreAndPostImages')
}

function checkClustered(clustered: Value | undefined, options: Doc): void {
  if (clustered === undefined || clustered === false) {
    options.delete('clusteredIndex')
    return
  }
  if (!isDoc(clustered)) return
  const key = clustered.get('key')
  if (!isDoc(key) || key.size !== 1 || !key.has('_id') || clustered.get('unique') !== true) {
    throw new DatabaseError(
      197,
      `The clusteredIndex option must be { key: { _id: 1 }, unique: true }, got ${printValue(clustered)}`,
    )
  }
  options.set(
    'clusteredIndex',
    new Map<string, Value>([
      ['v', clustered.get('v') ?? int(2)],
      ['key', key],
      ['name', clustered.get('name') ?? '_id_'],
      ['unique', true],
    ]),
  )
}

/** The collation with every option, as MongoDB stores and lists it. */
export function fullCollation(given: Doc): Doc {
  const defaults: [string, Value][] = [
    ['locale', 'simple'],
    ['caseLevel', false],
    ['caseFirst', 'off'],
    ['strength', int(3)],
    ['numericOrdering', false],
    ['alternate', 'non-ignorable'],
    ['maxVariable', 'punct'],
    ['normalization', false],
    ['backwards', false],
    ['version', '57.1'],
  ]
  return new Map(defaults.map(([name, value]) => [name, given.get(name) ?? value]))
}
