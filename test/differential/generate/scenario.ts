import { Int32 } from 'bson'
import fc from 'fast-check'
import type { GeneratedCommand, Scenario } from '../scenario.ts'
import { byWeight } from './by-weight.ts'
import { COLLECTION, TARGET } from './collection-name.ts'
import { filter, path } from './filter.ts'
import { pipeline, writingPipeline } from './pipeline.ts'
import { update } from './update.ts'
import { type Doc, doc, literal, number, scalar, smallInt, storedDocuments, storedFields, string } from './value.ts'

const one = new Int32(1)

function command(fields: Readonly<Record<string, unknown>>, ordered = false): GeneratedCommand {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined)
  return { command: doc(present), ordered }
}

const order = fc.constantFrom(1, -1).map((value) => new Int32(value))
/** Ends with `_id`, so that ties have an order. */
const totalSort = fc
  .tuple(fc.constantFrom('n', 'i', 's', 'x', 'o.p', 'l', 'm.v', 'd'), order)
  .map(([field, direction]) => literal({ [field]: direction, _id: one }))
const idSort = fc.constant(literal({ _id: one }))
const projection = fc.oneof(
  fc.tuple(path, fc.constantFrom(0, 1)).map(([field, keep]) => literal({ [field]: new Int32(keep) })),
  fc
    .tuple(fc.constantFrom('n', 'o.p', 's'), fc.constantFrom('x', 'm.k'))
    .map(([a, b]) => literal({ [a]: one, _id: new Int32(0), [b]: one })),
  fc
    .tuple(fc.constantFrom('l', 'm', 't'), fc.constantFrom(1, -1))
    .map(([field, count]) => literal({ [field]: literal({ $slice: new Int32(count) }) })),
  smallInt.map((k) => literal({ m: literal({ $elemMatch: literal({ k }) }) })),
)
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })

const find = fc
  .record({
    filter,
    projection: optional(projection),
    sort: fc.oneof(idSort, totalSort),
    skip: optional(smallInt),
    limit: optional(fc.constantFrom(1, 2).map((count) => new Int32(count))),
  })
  .map((fields) => command({ find: COLLECTION, ...fields }, true))

const aggregate = pipeline.map(({ pipeline: stages, ordered }) =>
  command({ aggregate: COLLECTION, pipeline: stages, cursor: doc([]) }, ordered),
)
const count = filter.map((query) => command({ count: COLLECTION, query }))
const distinct = fc.tuple(path, filter).map(([key, query]) => command({ distinct: COLLECTION, key, query }))

const inserted = fc
  .tuple(
    fc.constantFrom(1, 2, 20, 21).map((id) => new Int32(id)),
    storedFields,
  )
  .map(([id, fields]) => doc([['_id', id], ...fields]))
const insert = fc
  .tuple(fc.array(inserted, { minLength: 1, maxLength: 2 }), fc.boolean())
  .map(([documents, ordered]) => command({ insert: COLLECTION, documents, ordered }))

/** An upsert names its `_id`, lest the two servers make up two. */
function upserting(query: Doc, upsert: boolean): Doc {
  return upsert && !query.has('_id') ? doc([['_id', new Int32(77)], ...query]) : query
}

/** Which of several documents a single write takes is the server's choice: it names one. */
function single(query: Doc, multi: boolean): Doc {
  return multi || query.has('_id') ? query : doc([['_id', one], ...query])
}

const updateCommand = fc
  .tuple(filter, update, fc.boolean(), fc.boolean())
  .map(([query, { update: u, arrayFilters }, multi, upsert]) =>
    command({
      update: COLLECTION,
      updates: [
        doc(
          Object.entries({
            q: single(upserting(query, upsert), multi),
            u,
            multi,
            upsert,
            ...(arrayFilters ? { arrayFilters } : {}),
          }),
        ),
      ],
    }),
  )
const positional = fc
  .tuple(fc.constantFrom('$inc', '$set', '$unset'), smallInt, number, fc.boolean())
  .map(([name, k, value, multi]) =>
    command({
      update: COLLECTION,
      updates: [
        literal({
          q: single(literal({ 'm.k': k }), multi),
          u: literal({ [name]: literal({ 'm.$.v': value }) }),
          multi,
        }),
      ],
    }),
  )
const deleteCommand = fc.tuple(filter, fc.constantFrom(0, 0, 1)).map(([q, limit]) =>
  // With limit 1 the document that goes is the server's choice: only by _id is it the same.
  command({
    delete: COLLECTION,
    deletes: [literal({ q: limit === 1 ? literal({ _id: one }) : q, limit: new Int32(limit) })],
  }),
)
const findAndModify = fc
  .tuple(filter, fc.oneof(idSort, totalSort), optional(update), fc.boolean(), fc.boolean(), optional(projection))
  .map(([query, sort, change, isNew, upsert, fields]) =>
    command(
      change
        ? {
            findAndModify: COLLECTION,
            query: upserting(query, upsert),
            sort,
            update: change.update,
            arrayFilters: change.arrayFilters,
            new: isNew,
            upsert,
            fields,
          }
        : { findAndModify: COLLECTION, query, sort, remove: true, fields },
    ),
  )

const readOrWrite: fc.Arbitrary<GeneratedCommand> = byWeight({
  1: [count, distinct, positional, deleteCommand],
  2: [insert],
  3: [findAndModify],
  4: [find],
  8: [aggregate, updateCommand],
})

const indexKey = fc.oneof(
  fc
    .tuple(fc.constantFrom('n', 'i', 's', 'o.p', 'm.k', 'l', 'x'), order)
    .map(([field, direction]) => literal({ [field]: direction })),
  fc
    .tuple(fc.constantFrom('i', 's'), order, fc.constantFrom('n', 'o.q'))
    .map(([a, direction, b]) => literal({ [a]: direction, [b]: one })),
)
const index = fc
  .tuple(
    indexKey,
    fc.constantFrom<Readonly<Record<string, unknown>>>(
      {},
      { unique: true },
      { sparse: true },
      { unique: true, sparse: true },
      { partialFilterExpression: literal({ i: literal({ $gt: one }) }) },
      { unique: true, partialFilterExpression: literal({ s: literal({ $exists: true }) }) },
    ),
  )
  .map(([key, options]) => literal({ key, name: [...key.keys()].join('_'), ...options }))

/** DocumentDB refuses it, so that what it answers is what no index would change. */
const hiddenIndex = indexKey.map((key) => literal({ key, name: 'hidden', hidden: true }))

const createIndexes = index.map((specification) => command({ createIndexes: COLLECTION, indexes: [specification] }))

const jsonSchema = fc.oneof(
  fc
    .constantFrom('int', 'double', 'string', 'null')
    .map((bsonType) => literal({ properties: literal({ n: literal({ bsonType }) }) })),
  fc.constantFrom('i', 'n', 's').map((field) => literal({ required: [field] })),
  smallInt.map((minimum) =>
    literal({
      properties: literal({
        i: literal({ bsonType: 'int', minimum }),
        l: literal({ bsonType: 'array', maxItems: one }),
      }),
    }),
  ),
  fc.constant(
    literal({
      properties: literal({
        s: literal({ pattern: '^a', minLength: one }),
        o: literal({ bsonType: 'object', required: ['p'] }),
      }),
    }),
  ),
  // DocumentDB knows neither anyOf, not, additionalProperties nor the number of properties.
  fc.constantFrom<Doc>(
    literal({ properties: literal({ l: literal({ uniqueItems: true, minItems: one }) }) }),
    literal({ properties: literal({ t: literal({ items: literal({ enum: ['a', 'b', 'ab'] }) }) }) }),
    literal({ properties: literal({ s: literal({ maxLength: new Int32(2) }) }) }),
    literal({ oneOf: [literal({ required: ['n'] }), literal({ required: ['i'] })] }),
    literal({ properties: literal({ i: literal({ multipleOf: new Int32(2), maximum: new Int32(3) }) }) }),
  ),
  fc
    .array(scalar, { minLength: 1, maxLength: 2 })
    .map((values) => literal({ properties: literal({ x: literal({ enum: values }) }) })),
)
const validator = fc.oneof(
  { weight: 2, arbitrary: jsonSchema.map((schema) => literal({ $jsonSchema: schema })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(path, fc.oneof(number, string))
      .map(([field, value]) => literal({ [field]: literal({ $ne: value }) })),
  },
  {
    weight: 1,
    arbitrary: smallInt.map((bound) => literal({ $expr: literal({ $lte: ['$i', bound] }) })),
  },
)
const options = fc
  .tuple(validator, fc.constantFrom('strict', 'moderate'), fc.constantFrom('error', 'error', 'warn'))
  .map(([rule, validationLevel, validationAction]) => literal({ validator: rule, validationLevel, validationAction }))

const plain: fc.Arbitrary<Scenario> = fc
  .tuple(storedDocuments, fc.array(readOrWrite, { minLength: 1, maxLength: 2 }))
  .map(([documents, commands]) => ({ options: doc([]), indexes: [], documents, commands }))

const indexed: fc.Arbitrary<Scenario> = fc
  .tuple(
    fc.array(fc.oneof({ weight: 9, arbitrary: index }, { weight: 1, arbitrary: hiddenIndex }), {
      minLength: 1,
      maxLength: 2,
    }),
    storedDocuments,
    fc.array(fc.oneof(readOrWrite, createIndexes), { minLength: 1, maxLength: 2 }),
  )
  .map(([indexes, documents, commands]) => ({ options: doc([]), indexes, documents, commands }))

const validated: fc.Arbitrary<Scenario> = fc
  .tuple(
    options,
    storedDocuments,
    fc.array(fc.oneof(insert, updateCommand, findAndModify), { minLength: 1, maxLength: 2 }),
  )
  .map(([create, documents, commands]) => ({ options: create, indexes: [], documents, commands }))

const writing: fc.Arbitrary<Scenario> = fc
  .tuple(storedDocuments, fc.array(inserted, { maxLength: 2 }), writingPipeline)
  .map(([documents, present, stages]) => ({
    options: doc([]),
    indexes: [],
    documents,
    commands: [
      command({ insert: TARGET, documents: [doc([['_id', new Int32(9)]]), ...present], ordered: false }),
      command({ aggregate: COLLECTION, pipeline: stages, cursor: doc([]) }),
      command({ find: TARGET, filter: doc([]), sort: literal({ _id: one }) }, true),
    ],
  }))

/** A collection with documents, indexes or a validator, and one or two commands on it, or one that writes elsewhere. */
export const scenario: fc.Arbitrary<Scenario> = byWeight({ 1: [validated, writing], 2: [indexed], 16: [plain] })
