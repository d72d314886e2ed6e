import { Int32 } from 'bson'
import fc from 'fast-check'
import { expression } from './expression.ts'
import { path } from './filter.ts'
import { anyValue, type Doc, doc, literal, number, plainNumber, scalar, smallInt, storedFields, word } from './value.ts'

export interface Update {
  readonly update: Doc | Doc[]
  readonly arrayFilters?: Doc[]
}

const numberPath = fc.constantFrom('n', 'i', 'o.p', 'l.0', 'z', 'o.z', 'm.0.v', 's')
const arrayPath = fc.constantFrom('l', 't', 'm', 'o.r', 'z', 'n', 'x')

const pushed = fc.oneof(
  { weight: 3, arbitrary: scalar },
  {
    weight: 3,
    arbitrary: fc
      .record(
        {
          $each: fc.array(fc.oneof(number, word), { maxLength: 3 }),
          $position: fc.constantFrom(0, 1, -1).map((at) => new Int32(at)),
          $slice: fc.constantFrom(2, -2, 0).map((count) => new Int32(count)),
          $sort: fc.constantFrom(1, -1).map((order) => new Int32(order)),
        },
        { requiredKeys: ['$each'] },
      )
      .map(literal),
  },
)

const pushedItem = fc
  .record(
    {
      $each: fc.array(fc.record({ k: smallInt, v: plainNumber }).map(literal), { maxLength: 2 }),
      $sort: fc.constantFrom<Doc>(
        literal({ k: new Int32(1), v: new Int32(-1) }),
        literal({ v: new Int32(1), k: new Int32(1) }),
      ),
      $slice: fc.constantFrom(2, -2).map((count) => new Int32(count)),
    },
    { requiredKeys: ['$each'] },
  )
  .map(literal)

const change: fc.Arbitrary<readonly [operator: string, path: string, operand: unknown]> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant('$set'), path, anyValue) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('$unset'), path, fc.constant('')) },
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom('$inc', '$mul'), numberPath, number) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom('$min', '$max'), path, scalar) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('$rename'), path, fc.constantFrom('z', 'o.z', 'n')) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('$setOnInsert'), path, anyValue) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('$push'), arrayPath, pushed) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('$push'), fc.constant('m'), pushedItem) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('$currentDate'), path, fc.constant(true)) },
  {
    weight: 2,
    arbitrary: fc.tuple(
      fc.constant('$addToSet'),
      arrayPath,
      fc.oneof(
        scalar,
        fc.array(number, { maxLength: 2 }).map((list) => literal({ $each: list })),
      ),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constant('$pop'),
      arrayPath,
      fc.constantFrom(1, -1).map((end) => new Int32(end)),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(
      fc.constant('$pull'),
      arrayPath,
      fc.oneof(
        scalar,
        number.map((bound) => literal({ $gte: bound })),
        smallInt.map((k) => literal({ k })),
        fc.array(scalar, { maxLength: 2 }).map((values) => literal({ $in: values })),
        fc.tuple(smallInt, plainNumber).map(([k, v]) => literal({ k: literal({ $gte: k }), v: literal({ $ne: v }) })),
      ),
    ),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constant('$pullAll'), arrayPath, fc.array(scalar, { maxLength: 2 })) },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constant('$bit'),
      fc.constantFrom('i', 'n'),
      fc.tuple(fc.constantFrom('and', 'or', 'xor'), smallInt).map(([name, bits]) => literal({ [name]: bits })),
    ),
  },
)

function grouped(changes: readonly (readonly [string, string, unknown])[]): Doc {
  const update = doc([])
  for (const [operator, field, operand] of changes) {
    const fields = update.get(operator)
    if (fields instanceof Map) fields.set(field, operand)
    else update.set(operator, doc([[field, operand]]))
  }
  return update
}

const operators: fc.Arbitrary<Update> = fc
  .array(change, { minLength: 1, maxLength: 2 })
  .map((changes) => ({ update: grouped(changes) }))

const allElements: fc.Arbitrary<Update> = fc
  .tuple(fc.constantFrom('$inc', '$set', '$max'), fc.constantFrom('l.$[]', 'm.$[].v', 'o.r.$[]'), plainNumber)
  .map(([name, field, value]) => ({ update: literal({ [name]: doc([[field, value]]) }) }))

const filteredElements: fc.Arbitrary<Update> = fc.oneof(
  fc.tuple(fc.constantFrom('$inc', '$set', '$mul'), plainNumber, number).map(([name, value, bound]) => ({
    update: literal({ [name]: literal({ 'l.$[e]': value }) }),
    arrayFilters: [literal({ e: literal({ $gte: bound }) })],
  })),
  fc.tuple(fc.constantFrom('$inc', '$set', '$unset'), plainNumber, smallInt).map(([name, value, k]) => ({
    update: literal({ [name]: literal({ 'm.$[e].v': value }) }),
    arrayFilters: [literal({ 'e.k': k })],
  })),
  fc.tuple(fc.constantFrom('$inc', '$max'), plainNumber, smallInt, number).map(([name, value, k, bound]) => ({
    update: literal({ [name]: literal({ 'm.$[e].v': value, 'o.r.$[f]': value }) }),
    arrayFilters: [
      literal({ $or: [literal({ 'e.k': k }), literal({ 'e.v': literal({ $gt: bound }) })] }),
      literal({ f: literal({ $lt: bound }) }),
    ],
  })),
  fc.tuple(word, word).map(([value, old]) => ({
    update: literal({ $set: literal({ 't.$[e]': value }) }),
    arrayFilters: [literal({ e: old })],
  })),
)

const pipelineStage = fc.oneof(
  fc
    .tuple(fc.constantFrom('$set', '$addFields'), fc.constantFrom('n', 'z', 'o.p', 'o.z', 'm.v', 'x'), expression)
    .map(([name, field, value]) => literal({ [name]: doc([[field, value]]) })),
  fc.constantFrom('n', 'o.p', 'm.v', 'z').map((field) => literal({ $unset: field })),
  fc
    .tuple(fc.constantFrom('n', 'l', 'o'), expression)
    .map(([field, value]) => literal({ $project: literal({ [field]: new Int32(1), z: value }) })),
)
// The last stage, if any: DocumentDB repeats the `_id` here, and what follows would see it twice.
const replacement = fc.constantFrom<unknown>(
  literal({ $mergeObjects: ['$$ROOT', '$o'] }),
  literal({ $mergeObjects: [literal({ z: new Int32(1) }), '$o'] }),
)

const pipeline: fc.Arbitrary<Update> = fc
  .tuple(fc.array(pipelineStage, { minLength: 1, maxLength: 2 }), fc.option(replacement, { nil: undefined, freq: 4 }))
  .map(([stages, last]) => ({
    update: last === undefined ? stages : [...stages.slice(1), literal({ $replaceWith: last })],
  }))

/** Operator documents, array filters, replacements and pipelines. */
export const update: fc.Arbitrary<Update> = fc.oneof(
  { weight: 8, arbitrary: operators },
  { weight: 2, arbitrary: allElements },
  { weight: 2, arbitrary: filteredElements },
  { weight: 2, arbitrary: storedFields.map((fields) => ({ update: fields })) },
  { weight: 3, arbitrary: pipeline },
)
