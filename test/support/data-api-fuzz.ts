import fc from 'fast-check'
import type { Namespace } from '../../runtime/data/data-access.ts'
import { type ActionName, executeAction } from '../../runtime/data-api/index.ts'
import { parseEjsonDocument } from '../../runtime/ejson/index.ts'
import { AppError } from '../../runtime/errors.ts'
import { callerOf, type RulesTestApp } from './rules-app.ts'

export const actionNames: readonly ActionName[] = [
  'findOne',
  'find',
  'insertOne',
  'insertMany',
  'updateOne',
  'updateMany',
  'replaceOne',
  'deleteOne',
  'deleteMany',
  'aggregate',
]

const awkwardKeys = [
  '_id',
  'n',
  'a.b',
  'a..b',
  '.',
  '',
  '$set',
  '$inc',
  '$push',
  '$rename',
  '$unset',
  '$where',
  '$expr',
  '$and',
  '$or',
  '$not',
  '$in',
  '$elemMatch',
  '$gt',
  '$regex',
  '$options',
  '$ref',
  '$id',
  '$match',
  '$group',
  '$project',
  '$sort',
  '$limit',
  '$lookup',
  '$function',
  '$meta',
  '$slice',
  'x.$',
  'x.$[]',
  'x.$[y]',
  '__proto__',
  'constructor',
  '_bsontype',
  'toBSON',
  'toJSON',
  'length',
  '0',
  '10',
  '2',
]

const wrapperKeys = ['$oid', '$date', '$numberLong', '$numberDecimal', '$binary', '$code']

const key = fc.oneof(
  { weight: 40, arbitrary: fc.constantFrom(...awkwardKeys) },
  { weight: 10, arbitrary: fc.string({ maxLength: 4 }) },
  { weight: 1, arbitrary: fc.constantFrom(...wrapperKeys) },
)
const refusedScalars = ['1e400', '{"$oid":"x"}', '{"$numberLong":"x"}', '{"$date":"x"}', '01', '{"a":1,"a":2}']
const scalars = [
  '1',
  '-0',
  '9223372036854775808',
  '0.1',
  'true',
  'null',
  '"$n"',
  '"$$ROOT"',
  '"\\ud800"',
  '{"$oid":"64b0c1d2e3f4a5b6c7d8e9f0"}',
  '{"$date":"2024-01-01"}',
  '{"$numberDouble":"NaN"}',
  '{"$minKey":1}',
  '{"$timestamp":{"t":1,"i":1}}',
  '{"$regex":"(","$options":"i"}',
  '{"$regex":"^t"}',
]
const scalar = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom(...scalars) },
  { weight: 10, arbitrary: fc.integer().map(String) },
  { weight: 10, arbitrary: fc.string({ maxLength: 5 }).map((text) => JSON.stringify(text)) },
  { weight: 1, arbitrary: fc.constantFrom(...refusedScalars) },
)

const { value, object } = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalar,
    tie('object'),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items}]`),
  ),
  object: fc
    .array(fc.tuple(key, tie('value')), { maxLength: 3 })
    .map((entries) => `{${entries.map(([name, part]) => `${JSON.stringify(name)}:${part}`)}}`),
}))

const plausible: Record<string, fc.Arbitrary<string>> = {
  filter: fc.constantFrom('{}', '{"_id":1}', '{"n":{"$gt":0}}', '{"x":{"$elemMatch":{"y":1}}}'),
  projection: fc.constantFrom('{"n":1}', '{"n":0}', '{"n":1,"x":0}', '{"x":{"$slice":1}}', '{"y":"$n"}', '{"x.$":1}'),
  sort: fc.constantFrom('{"n":1}', '{"n":"up"}', '{"n":{"$meta":"textScore"}}', '{"2":1,"1":-1}'),
  limit: fc.constantFrom('1', '0', '-1', '1e9', '"1"', '{"$numberLong":"5"}'),
  skip: fc.constantFrom('1', '-1', '9007199254740993', '0.5'),
  document: fc.constantFrom(
    '{}',
    '{"n":1}',
    '{"_id":null}',
    '{"_id":[1]}',
    '{"_id":{"$oid":"64b0c1d2e3f4a5b6c7d8e9f0"}}',
  ),
  documents: fc.constantFrom('[]', '[{}]', '[{"_id":1},{"_id":1}]', '[1]'),
  update: fc.constantFrom(
    '{"$set":{"n":1}}',
    '{"$inc":{"s":1}}',
    '[]',
    '[{"$set":{"n":"$s"}}]',
    '{"$set":{"_id":9}}',
    '{"n":1}',
  ),
  replacement: fc.constantFrom('{"n":1}', '{"$set":{"n":1}}', '{"_id":9}', '{}'),
  upsert: fc.constantFrom('true', 'false', 'null', '1'),
  pipeline: fc.constantFrom(
    '[]',
    '[{"$match":{}}]',
    '[{"$group":{"_id":"$n"}}]',
    '[{}]',
    '[{"$limit":0}]',
    '[{"$unwind":"$x"}]',
  ),
}

const fieldsOf: Record<ActionName, readonly string[]> = {
  findOne: ['filter', 'projection', 'sort'],
  find: ['filter', 'projection', 'sort', 'limit', 'skip'],
  insertOne: ['document'],
  insertMany: ['documents'],
  updateOne: ['filter', 'update', 'upsert'],
  updateMany: ['filter', 'update', 'upsert'],
  replaceOne: ['filter', 'replacement', 'upsert'],
  deleteOne: ['filter'],
  deleteMany: ['filter'],
  aggregate: ['pipeline'],
}

/** Bodies of an action on one collection: each of its fields plausible, anything of the right kind, anything, or absent. */
export function arbitraryBody(action: ActionName, ns: Namespace): fc.Arbitrary<string> {
  const fields = Object.fromEntries(
    fieldsOf[action].map((name) => {
      const list = name === 'documents' || name === 'pipeline'
      const rightKind = list ? fc.array(object, { maxLength: 3 }).map((items) => `[${items}]`) : object
      return [
        name,
        fc.oneof(
          { weight: 10, arbitrary: plausible[name] ?? object },
          { weight: 10, arbitrary: rightKind },
          { weight: 1, arbitrary: value },
          { weight: 1, arbitrary: fc.constant(undefined) },
        ),
      ]
    }),
  )
  const common = `"dataSource":"Cluster0","database":"${ns.database}","collection":"${ns.collection}"`
  return fc.record(fields).map((given) => {
    const parts = Object.entries(given).flatMap(([name, text]) => (text === undefined ? [] : [`"${name}":${text}`]))
    return `{${[common, ...parts].join(',')}}`
  })
}

/** Runs one body; throws when the answer is anything but valid JSON or a documented refusal. */
export async function assertAnswered(
  app: RulesTestApp,
  action: ActionName,
  text: string,
  user: 'system' | 'bob',
): Promise<void> {
  try {
    const result = await executeAction(app.runtime(), callerOf(user), action, parseEjsonDocument(text))
    for (const format of ['JSON', 'EJSON'] as const)
      JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(result.write(format)))
  } catch (error) {
    const refused = error instanceof AppError && error.status !== undefined && error.status >= 400 && error.status < 500
    if (!refused) throw error
    if (/mongodb:\/\/|\n\s+at |127\.0\.0\.1/.test(error.message)) throw new Error(`leaks: ${error.message}`)
  }
}

/** Roles with field rules, a document dependent role, a filter and a schema, so that every path of the rules is taken. */
export const fuzzRules = {
  roles: [
    { apply_when: { owner: '%%user.id' }, document_filters: { read: true, write: true }, read: true, write: true },
    { apply_when: {}, fields: { n: { read: true, write: true }, x: { fields: { y: { read: true } } } }, insert: true },
  ],
  filters: [{ apply_when: {}, query: { gone: { $exists: false } }, projection: { secret: 0 } }],
  schema: { bsonType: 'object', properties: { n: { bsonType: ['int', 'long', 'double', 'string'] } } },
}

export const fuzzDocuments = [
  { _id: 1, owner: 'b2', n: 1, s: 'text', x: [{ y: 1, z: 2 }], secret: 's' },
  { _id: 2, owner: 'a1', n: 2, s: 5, x: { y: 1 } },
]
