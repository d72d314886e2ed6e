import { isDeepStrictEqual as isEqual } from 'node:util'
import { type Document, MaxKey, MinKey } from 'bson'
import fc from 'fast-check'
import { expect } from 'vitest'
import type { DataAccess, Namespace } from '../../../../runtime/data/data-access.ts'
import { outcomeOf } from '../../../support/outcome.ts'
import type { CollectionRulesSource, RulesTestApp } from '../../../support/rules-app.ts'

/** Rules under which `salary`, `list.price` and `addr.zip` are hidden, but for the salary of documents named `b`. */
export const hiding: Record<string, CollectionRulesSource> = {
  'field rules': {
    roles: [
      {
        apply_when: {},
        fields: {
          _id: { read: true },
          title: { read: true, write: true },
          owner: { read: true },
          list: { fields: { n: { read: true, write: true } } },
          addr: { fields: { city: { read: true, write: true } } },
        },
        insert: true,
      },
    ],
  },
  'field rules that hide the id': {
    roles: [{ apply_when: {}, fields: { title: { read: true, write: true } }, additional_fields: {} }],
  },
  'field rules that depend on the document': {
    roles: [
      {
        apply_when: {},
        fields: {
          _id: { read: true },
          title: { read: true, write: true },
          salary: { read: { '%%root.title': 'b' } },
          list: { fields: { n: { read: true } } },
        },
        additional_fields: { read: false },
      },
    ],
  },
  'documents that may be written but not read': {
    roles: [{ apply_when: {}, read: false, fields: { _id: { write: true }, title: { write: true } } }],
  },
  'a projection of the rules': {
    roles: [{ apply_when: {}, read: true }],
    filters: [{ apply_when: {}, projection: { salary: 0, 'list.price': 0, 'addr.zip': 0 } }],
  },
  'a projection of the rules over documents that may be written': {
    roles: [{ apply_when: {}, read: true, write: true }],
    filters: [{ apply_when: {}, projection: { salary: 0, 'list.price': 0, 'addr.zip': 0 } }],
  },
  'an including projection of the rules': {
    roles: [{ apply_when: {}, read: true, fields: { title: { write: true } } }],
    filters: [{ apply_when: {}, projection: { title: 1, owner: 1, 'addr.city': 1 } }],
  },
}

const hiddenValue = fc.constantFrom<unknown>(undefined, null, 1, 2, 30, 'x', [1, 30], { x: 1 })
const hiddenPart = fc.record({ salary: hiddenValue, price: hiddenValue, zip: hiddenValue })

function documentsWith(parts: readonly { salary: unknown; price: unknown; zip: unknown }[]): Document[] {
  return parts.map(({ salary, price, zip }, index) => ({
    _id: index + 1,
    title: titleOf(index),
    ...field('salary', salary),
    owner: index === 0 ? 'x' : 'y',
    list: [{ n: 1, ...field('price', price) }, { n: 2 }],
    addr: { city: 'Bari', ...field('zip', zip) },
  }))
}

function titleOf(index: number): string {
  return index % 2 === 0 ? 'a' : 'b'
}

function field(name: string, value: unknown): Document {
  return value === undefined ? {} : { [name]: value }
}

const path = fc.constantFrom(
  'salary',
  'list.price',
  'list.0.price',
  'addr.zip',
  'addr',
  'list',
  'title',
  'owner',
  '_id',
  'salary.x',
)
const operand = fc.constantFrom<unknown>(null, 1, 2, 30, 'x', 'a', new MinKey(), new MaxKey())
const condition = fc.oneof(
  operand,
  fc
    .tuple(fc.constantFrom('$eq', '$ne', '$gt', '$gte', '$lt', '$lte'), operand)
    .map(([name, value]) => ({ [name]: value })),
  fc.boolean().map((exists) => ({ $exists: exists })),
  fc.constantFrom<unknown>(
    { $in: [1, 30] },
    { $nin: [1, 'x'] },
    { $type: 'number' },
    { $size: 2 },
    { $all: [1] },
    { $elemMatch: { price: { $gt: 1 } } },
    { $elemMatch: { $gt: 1 } },
    { $not: { $gt: 5 } },
    { $mod: [2, 0] },
    /x/,
    { price: 1 },
    { city: 'Bari', zip: 'x' },
  ),
)
const simple = fc.tuple(path, condition).map(([name, test]) => ({ [name]: test }))
const filter: fc.Arbitrary<Document> = fc.oneof(
  { weight: 4, arbitrary: simple },
  { weight: 1, arbitrary: fc.constant({}) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('$and', '$or', '$nor'), fc.array(simple, { minLength: 1, maxLength: 2 }))
      .map(([name, parts]) => ({ [name]: parts })),
  },
  { weight: 2, arbitrary: simple.map((part) => ({ _id: 1, ...part })) },
)
const sort = fc.tuple(path, fc.constantFrom(1, -1)).map(([name, direction]) => ({ [name]: direction }))
const projection = fc.constantFrom<Document>(
  { salary: 1 },
  { title: 0 },
  { all: '$$ROOT' },
  { pay: { $cond: [{ $gt: ['$salary', 5] }, 'rich', 'poor'] } },
  { 'list.price': 1 },
  { list: { $slice: 1 } },
  { list: { $elemMatch: { price: { $gt: 1 } } } },
  { got: { $getField: 'salary' } },
  { keys: { $objectToArray: '$$CURRENT' } },
  { size: { $bsonSize: '$$ROOT' } },
)
const otherAddress = { $set: { addr: { city: 'Roma' } } }
const change = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('$set', '$inc', '$mul', '$min', '$max', '$push', '$addToSet', '$pull', '$setOnInsert', '$unset'),
      path,
      fc.constantFrom<unknown>(1, 30, 'x', null),
    )
    .map(([name, target, value]) => ({ [name]: { [target]: value } })),
  fc.constantFrom<Document | Document[]>(
    { $set: { title: 'z' } },
    { $rename: { salary: 'title' } },
    { $rename: { 'addr.zip': 'addr.city' } },
    { $pop: { list: 1 } },
    { $pull: { list: { price: 1 } } },
    { $pull: { list: { price: { $gt: 5 } } } },
    { $pull: { list: { $or: [{ price: 1 }, { n: 9 }] } } },
    { $pull: { list: { n: 1, price: 1 } } },
    { $pullAll: { list: [{ n: 1, price: 1 }] } },
    { $addToSet: { list: { n: 1, price: 1 } } },
    { $push: { list: { $each: [], $sort: { price: -1 } } } },
    { $set: { addr: { city: 'Bari' } } },
    otherAddress,
    { $unset: { list: 1 } },
    { $set: { addr: { city: 'Bari', zip: 1 } } },
    { $set: { list: [{ n: 1, price: 1 }, { n: 2 }] } },
    { $set: { 'list.$[].n': 5 } },
    { $set: { 'list.$.n': 5 } },
    { $set: { title: 'z', salary: 30 } },
    { $bit: { salary: { and: 1 } } },
    [{ $set: { title: '$salary' } }],
    [{ $set: { title: { $cond: [{ $gt: ['$addr.zip', 1] }, 'p', 'q'] } } }],
    [{ $unset: 'salary' }],
    [{ $replaceWith: { title: '$salary' } }],
  ),
)
const arrayFilters = fc.constantFrom<{ update: Document; arrayFilters: Document[] }>(
  { update: { $set: { 'list.$[e].n': 7 } }, arrayFilters: [{ 'e.price': { $gt: 1 } }] },
  { update: { $set: { 'list.$[e].n': 7 } }, arrayFilters: [{ $or: [{ 'e.price': 1 }, { 'e.n': 9 }] }] },
  { update: { $set: { 'salary.$[e]': 7 } }, arrayFilters: [{ e: { $gt: 1 } }] },
)

type Run = (data: DataAccess, ns: Namespace) => Promise<unknown>
type Call = Run & { readonly replacesWhole: boolean }

/** A call, printed as what it does. */
function call(name: string, args: unknown[], run: Run): Call {
  return Object.assign((data: DataAccess, ns: Namespace) => run(data, ns), {
    toString: () => `${name} ${JSON.stringify(args)}`,
    replacesWhole: args.some(takesWholeAway),
  })
}

/** True for a change that takes the whole of a field away of which parts may be written. */
function takesWholeAway(change: unknown): boolean {
  if (isEqual(change, otherAddress)) return true
  const removed = typeof change === 'object' && change !== null && '$unset' in change ? change.$unset : undefined
  return typeof removed === 'object' && removed !== null && ('addr' in removed || 'list' in removed)
}

const calls: fc.Arbitrary<Call> = fc.oneof(
  fc
    .tuple(filter, fc.option(sort, { nil: undefined }), fc.option(projection, { nil: undefined }), fc.nat(2), fc.nat(2))
    .map(([where, order, show, skip, limit]) => {
      const options = { ...(order && { sort: order }), ...(show && { projection: show }), skip, limit }
      return call('find', [where, options], (data, ns) => data.find(ns, where, options).toArray())
    }),
  filter.map((where) =>
    call('find by index', [where], (data, ns) => data.find(ns, where, { hint: { salary: 1 } }).toArray()),
  ),
  filter.map((where) => call('count', [where], (data, ns) => data.count(ns, where))),
  fc
    .tuple(path, filter)
    .map(([name, where]) => call('distinct', [name, where], (data, ns) => data.distinct(ns, name, where))),
  fc
    .tuple(
      filter,
      fc.constantFrom<Document>(
        { $group: { _id: '$salary', n: { $sum: 1 } } },
        { $group: { _id: null, all: { $push: '$$ROOT' } } },
        { $sort: { salary: 1 } },
        { $match: { salary: { $gt: 5 } } },
        { $bucketAuto: { groupBy: '$salary', buckets: 2 } },
        { $replaceRoot: { newRoot: { v: '$salary' } } },
        { $unwind: '$list' },
        { $sortByCount: '$addr.zip' },
        { $redact: { $cond: [{ $gt: ['$salary', 5] }, '$$KEEP', '$$PRUNE'] } },
        { $setWindowFields: { sortBy: { salary: 1 }, output: { rank: { $rank: {} } } } },
      ),
    )
    .map(([where, stage]) =>
      call('aggregate', [where, stage], (data, ns) => data.aggregate(ns, [{ $match: where }, stage]).toArray()),
    ),
  fc
    .tuple(filter, change, fc.boolean(), fc.boolean())
    .map(([where, content, many, upsert]) =>
      call(many ? 'updateMany' : 'updateOne', [where, content, upsert], (data, ns) =>
        many ? data.updateMany(ns, where, content, { upsert }) : data.updateOne(ns, where, content, { upsert }),
      ),
    ),
  fc
    .tuple(filter, arrayFilters)
    .map(([where, given]) =>
      call('updateOne', [where, given], (data, ns) =>
        data.updateOne(ns, where, given.update, { arrayFilters: given.arrayFilters }),
      ),
    ),
  fc
    .tuple(filter, fc.constantFrom<Document>({ title: 'z' }, { _id: 1, title: 'z', salary: 30 }), fc.boolean())
    .map(([where, content, upsert]) =>
      call('replaceOne', [where, content, upsert], (data, ns) => data.replaceOne(ns, where, content, { upsert })),
    ),
  fc
    .tuple(filter, fc.boolean())
    .map(([where, many]) =>
      call(many ? 'deleteMany' : 'deleteOne', [where], (data, ns) =>
        many ? data.deleteMany(ns, where) : data.deleteOne(ns, where),
      ),
    ),
  fc
    .tuple(filter, change, fc.option(sort, { nil: undefined }), fc.option(projection, { nil: undefined }), fc.boolean())
    .map(([where, content, order, show, returnNewDocument]) => {
      const options = { ...(order && { sort: order }), ...(show && { projection: show }), returnNewDocument }
      return call('findOneAndUpdate', [where, content, options], (data, ns) =>
        data.findOneAndUpdate(ns, where, content, options),
      )
    }),
  fc
    .tuple(filter, sort)
    .map(([where, order]) =>
      call('findOneAndDelete', [where, order], (data, ns) => data.findOneAndDelete(ns, where, { sort: order })),
    ),
  fc
    .tuple(simple, change)
    .map(([where, content]) =>
      call('bulkWrite', [where, content], (data, ns) =>
        data.bulkWrite(ns, [{ updateOne: { filter: where, update: content } }, { deleteOne: { filter: { _id: 99 } } }]),
      ),
    ),
)

/**
 * What a caller learns must not depend on what is hidden from it: the same call on two collections that differ in
 * hidden values alone has the same outcome, refusals and their texts included, and leaves the same to be seen.
 */
export async function assertSameOutcomes(app: RulesTestApp, name: string, numRuns: number): Promise<void> {
  const rules = hiding[name] ?? {}
  // Whoever may write a field that it cannot read is told whether that was possible, and whether it changed anything.
  const writesHidden = rules.roles?.some(({ write }) => write === true)
  const learn = async (attempt: Call, documents: Document[]) => {
    const ns = await app.collection(rules, documents)
    await app.client.db(app.database).collection(ns.collection).createIndex({ salary: 1 })
    const data = app.data('bob')
    const outcome = await outcomeOf(attempt(data, ns))
    const learned = { outcome, seen: await outcomeOf(data.find(ns, {}).toArray()) }
    return withoutNames(learned, ns.collection, writesHidden ? ['modifiedCount'] : [])
  }
  const parts = fc.array(fc.tuple(hiddenPart, hiddenPart), { minLength: 2, maxLength: 3 })
  await fc.assert(
    fc.asyncProperty(parts, calls, async (pairs, attempt) => {
      const one = pairs.map(([first]) => first)
      const other = pairs.map(([first, second], index) =>
        titleOf(index) === 'b' ? { ...second, salary: first.salary } : second,
      )
      const learned = await learn(attempt, documentsWith(other))
      const expected = await learn(attempt, documentsWith(one))
      // So is who takes a whole away: what goes with it decides (spec: rules 8.9).
      if (
        (writesHidden || attempt.replacesWhole) &&
        [learned, expected].some(({ outcome }) => isEqual(outcome, impossible))
      )
        return
      expect(learned).toEqual(expected)
    }),
    { numRuns },
  )
}

const impossible = { refusal: 'FunctionExecutionError: update not permitted' }

/** Ids that the server made, and names of collections in texts, differ from run to run. */
function withoutNames(learned: Document, collection: string, fields: readonly string[]): Document {
  const text = JSON.stringify(learned, (key, value) => (fields.includes(key) ? undefined : value))
  return JSON.parse(
    text.replaceAll(new RegExp(`\\b${collection}\\b`, 'g'), 'collection').replaceAll(/"[0-9a-f]{24}"/g, '"id"'),
  )
}
