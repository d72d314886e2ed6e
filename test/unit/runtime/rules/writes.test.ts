import { type Document, Double, Int32, ObjectId } from 'bson'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Namespace } from '../../../../runtime/data/data-access.ts'
import type { JsonObject } from '../../../../schemas/app/definition.ts'
import { outcomeOf } from '../../../support/outcome.ts'
import { type CollectionRulesSource, type RulesTestApp, service, startRulesApp } from '../../../support/rules-app.ts'

const owner: CollectionRulesSource = { roles: [{ apply_when: { owner: '%%user.id' }, read: true, write: true }] }
const free: CollectionRulesSource = { roles: [{ apply_when: {}, read: true, write: true }] }
const mixed = () => [
  { _id: 1, owner: 'b2', n: 1 },
  { _id: 2, owner: 'b2', n: 2 },
  { _id: 3, owner: 'a1', n: 3 },
]
const refused = (what: string, code = 'FunctionExecutionError') => ({ refusal: `${code}: ${what} not permitted` })

describe('writes of users', () => {
  let app: RulesTestApp
  beforeAll(async () => {
    app = await startRulesApp('writes')
  })
  afterAll(() => app.close())

  const stored = (ns: Namespace): Promise<Document[]> =>
    app.client.db(ns.database).collection(ns.collection).find().sort({ _id: 1 }).toArray()

  it.each<[string, (ns: Namespace) => Promise<unknown>, string]>([
    ['updateMany', (ns) => app.data('bob').updateMany(ns, {}, { $inc: { n: 1 } }), 'update'],
    ['deleteMany', (ns) => app.data('bob').deleteMany(ns, {}), 'delete'],
    [
      'insertMany',
      (ns) =>
        app.data('bob').insertMany(ns, [
          { _id: 4, owner: 'b2' },
          { _id: 5, owner: 'a1' },
        ]),
      'insert',
    ],
    [
      'bulkWrite',
      (ns) =>
        app
          .data('bob')
          .bulkWrite(ns, [
            { insertOne: { document: { _id: 6, owner: 'b2' } } },
            { updateOne: { filter: { _id: 1 }, update: { $set: { n: 9 } } } },
            { deleteOne: { filter: { _id: 3 } } },
          ]),
      'delete',
    ],
  ])('%s applies nothing when one document is refused', async (_name, call, what) => {
    const ns = await app.collection(owner, mixed())
    expect(await outcomeOf(call(ns))).toEqual(refused(what))
    expect(await stored(ns)).toEqual(mixed())
  })

  it('updates and deletes every permitted match', async () => {
    const ns = await app.collection(owner, mixed())
    const data = app.data('bob')
    expect(await outcomeOf(data.updateMany(ns, { owner: 'b2' }, { $inc: { n: 10 } }))).toEqual({
      matchedCount: 2,
      modifiedCount: 2,
    })
    expect(await outcomeOf(data.deleteMany(ns, { n: 11 }))).toEqual({ deletedCount: 1 })
    expect(await stored(ns)).toEqual([{ _id: 2, owner: 'b2', n: 12 }, mixed()[2]])
  })

  it('answers zero counts when nothing matches', async () => {
    const ns = await app.collection(owner, mixed())
    const data = app.data('bob')
    expect(await data.updateOne(ns, { _id: 9 }, { $set: { n: 0 } })).toEqual({ matchedCount: 0, modifiedCount: 0 })
    expect(await data.replaceOne(ns, { _id: 9 }, { n: 0 })).toEqual({ matchedCount: 0, modifiedCount: 0 })
    expect(await data.deleteMany(ns, { _id: 9 })).toEqual({ deletedCount: 0 })
    expect(await data.findOneAndDelete(ns, { _id: 9 })).toBeNull()
  })

  it('refuses what is no change in the words of the driver, whether or not anything matches', async () => {
    const ns = await app.collection(owner, mixed())
    const data = app.data('bob')
    for (const _id of [1, 9]) {
      expect(await outcomeOf(data.updateOne(ns, { _id }, { n: 1 }))).toEqual({
        refusal: 'MongoDBError: Update document requires atomic operators',
      })
      expect(await outcomeOf(data.findOneAndReplace(ns, { _id }, { $set: { n: 1 } }))).toEqual({
        refusal: 'MongoDBError: Replacement document must not contain atomic operators',
      })
    }
  })

  it('upserts as an insert when nothing matches', async () => {
    const ns = await app.collection(owner, [])
    const data = app.data('bob')
    const own = await data.updateOne(ns, { _id: 7 }, { $set: { owner: 'b2' } }, { upsert: true })
    expect(own).toEqual({ matchedCount: 0, modifiedCount: 0, upsertedId: new Int32(7) })
    const foreign = data.updateMany(ns, { _id: 8 }, { $set: { owner: 'a1' } }, { upsert: true })
    expect(await outcomeOf(foreign)).toEqual(refused('insert'))
    expect(await stored(ns)).toEqual([{ _id: 7, owner: 'b2' }])
  })

  it('finds and changes, and shows the document before or after', async () => {
    const ns = await app.collection(owner, mixed())
    const data = app.data('bob')
    const sorted = { sort: { n: -1 }, projection: { n: 1, _id: 0 } }
    const before = await data.findOneAndUpdate(ns, { owner: 'b2' }, { $inc: { n: 10 } }, sorted)
    const after = await data.findOneAndUpdate(ns, { _id: 2 }, { $inc: { n: 10 } }, { returnNewDocument: true })
    const replaced = await data.findOneAndReplace(ns, { _id: 2 }, { owner: 'b2' }, { returnNewDocument: true })
    expect([before, after, replaced]).toEqual([
      { n: new Int32(2) },
      { _id: new Int32(2), owner: 'b2', n: new Int32(22) },
      { _id: new Int32(2), owner: 'b2' },
    ])
    expect(await outcomeOf(data.findOneAndDelete(ns, { _id: 3 }))).toEqual(refused('delete'))
    expect(await outcomeOf(data.findOneAndDelete(ns, { _id: 1 }))).toEqual({ _id: 1, owner: 'b2', n: 1 })
    const upserted = data.findOneAndUpdate(
      ns,
      { _id: 5 },
      { $set: { owner: 'b2' } },
      { upsert: true, returnNewDocument: true },
    )
    expect(await outcomeOf(upserted)).toEqual({ _id: 5, owner: 'b2' })
  })

  it('does not let a replacement drop a field that may not be written', async () => {
    const rules = { roles: [{ apply_when: {}, fields: { title: { write: true } }, additional_fields: { read: true } }] }
    const ns = await app.collection(rules, [{ _id: 1, title: 'a', secret: 's' }])
    const data = app.data('bob')
    expect(await outcomeOf(data.replaceOne(ns, { _id: 1 }, { title: 'b' }))).toEqual(refused('update'))
    expect(await outcomeOf(data.replaceOne(ns, { _id: 1 }, { title: 'b', secret: 's' }))).toEqual({
      matchedCount: 1,
      modifiedCount: 1,
    })
  })

  it('lets a document that may be read be sent back whole, with a change of what may be written', async () => {
    const ns = await app.collection(
      {
        roles: [
          { apply_when: {}, read: true, fields: { title: { write: true } }, additional_fields: { write: false } },
        ],
      },
      [{ _id: 1, title: 'a', salary: 10 }],
    )
    const data = app.data('bob')
    const changed = { matchedCount: 1, modifiedCount: 1 }
    expect(await outcomeOf(data.replaceOne(ns, { _id: 1 }, { _id: 1, title: 'b', salary: 10 }))).toEqual(changed)
    expect(await outcomeOf(data.updateOne(ns, { _id: 1 }, { $set: { title: 'c', salary: 10 } }))).toEqual(changed)
    expect(await outcomeOf(data.updateOne(ns, { _id: 1 }, { $set: { title: 'd', salary: 11 } }))).toEqual(
      refused('update'),
    )
  })

  it('does not check what an upsert sets on insert alone when it finds a document', async () => {
    const rules = { roles: [{ apply_when: {}, fields: { title: { write: true }, made: {} } }] }
    const ns = await app.collection(rules, [{ _id: 1, title: 'a', made: 'bob' }])
    const change = { $set: { title: 'b' }, $setOnInsert: { made: 'ann' } }
    const upsert = (filter: Document) => app.data('bob').updateOne(ns, filter, change, { upsert: true })
    expect(await outcomeOf(upsert({ _id: 1 }))).toEqual({ matchedCount: 1, modifiedCount: 1 })
    expect(await outcomeOf(upsert({ title: 'none' }))).toEqual(refused('insert'))
  })

  it('checks a client-supplied _id and exempts a generated one', async () => {
    const ns = await app.collection({ roles: [{ apply_when: {}, fields: { title: { write: true } } }] })
    const data = app.data('bob')
    const { insertedId } = await data.insertOne(ns, { title: 'a' })
    expect(insertedId).toBeInstanceOf(ObjectId)
    expect(await outcomeOf(data.insertOne(ns, { _id: 1, title: 'a' }))).toEqual(refused('insert'))
    const upsert = (filter: Document) => data.updateOne(ns, filter, { $set: { title: 'u' } }, { upsert: true })
    expect(await outcomeOf(upsert({ _id: 1 }))).toEqual(refused('insert'))
    expect(await outcomeOf(upsert({ title: 'none' }))).toMatchObject({ matchedCount: 0 })
  })

  it('sees a change of type as a change', async () => {
    const rules = { roles: [{ apply_when: {}, fields: { n: { read: true } }, additional_fields: {} }] }
    const ns = await app.collection(rules, [{ _id: 1, n: 1 }])
    const data = app.data('bob')
    expect(await outcomeOf(data.updateOne(ns, { _id: 1 }, { $set: { n: new Double(1) } }))).toEqual(refused('update'))
    expect(await outcomeOf(data.updateOne(ns, { _id: 1 }, { $set: { n: 1 } }))).toEqual({
      matchedCount: 1,
      modifiedCount: 0,
    })
  })

  it('checks fields inside arrays of documents one by one', async () => {
    const rules = {
      roles: [
        { apply_when: {}, fields: { items: { fields: { qty: { read: true, write: true } } } }, additional_fields: {} },
      ],
    }
    const ns = await app.collection(rules, [
      {
        _id: 1,
        items: [
          { qty: 1, price: 5 },
          { qty: 2, price: 6 },
        ],
      },
    ])
    const data = app.data('bob')
    expect(await outcomeOf(data.findOne(ns, { _id: 1 }))).toEqual({ items: [{ qty: 1 }, { qty: 2 }] })
    expect(await outcomeOf(data.updateOne(ns, { _id: 1 }, { $set: { 'items.$[].qty': 3 } }))).toEqual({
      matchedCount: 1,
      modifiedCount: 1,
    })
    expect(await outcomeOf(data.updateOne(ns, { _id: 1 }, { $inc: { 'items.0.price': 1 } }))).toEqual(refused('update'))
    expect(await outcomeOf(data.updateOne(ns, { _id: 1 }, { $pop: { items: 1 } }))).toEqual(refused('update'))
    const selecting = (element: Document) =>
      data.updateOne(ns, { _id: 1 }, { $set: { 'items.$[x].qty': 4 } }, { arrayFilters: [element] })
    expect(await outcomeOf(selecting({ 'x.price': { $gt: 5 } }))).toEqual(refused('update'))
    expect(await outcomeOf(selecting({ $or: [{ 'x.price': 1 }] }))).toEqual(refused('update'))
    expect(await outcomeOf(selecting({ 'x.qty': 3 }))).toEqual({ matchedCount: 1, modifiedCount: 1 })
  })

  it('keeps positional operators working', async () => {
    const ns = await app.collection(owner, [{ _id: 1, owner: 'b2', list: [1, 2, 3] }])
    await app.data('bob').updateOne(ns, { _id: 1, list: 2 }, { $set: { 'list.$': 9 } })
    await app.data('bob').updateOne(ns, { _id: 1 }, { $inc: { 'list.$[x]': 1 } }, { arrayFilters: [{ x: { $gt: 2 } }] })
    expect(await stored(ns)).toEqual([{ _id: 1, owner: 'b2', list: [1, 10, 4] }])
  })

  it('lets document_filters.write hold before and after', async () => {
    const filters = { document_filters: { read: true, write: { owner: '%%user.id' } }, read: true, write: true }
    const ns = await app.collection({ roles: [{ apply_when: {}, ...filters }] }, mixed())
    const data = app.data('bob')
    expect(await outcomeOf(data.updateOne(ns, { _id: 3 }, { $set: { owner: 'b2' } }))).toEqual(refused('update'))
    expect(await outcomeOf(data.updateOne(ns, { _id: 1 }, { $set: { owner: 'a1' } }))).toEqual(refused('update'))
    expect(await outcomeOf(data.updateOne(ns, { _id: 1 }, { $set: { n: 5 } }))).toEqual({
      matchedCount: 1,
      modifiedCount: 1,
    })
  })

  it('needs write permission as well as delete', async () => {
    const outcome = async (role: Document) => {
      const ns = await app.collection({ roles: [{ apply_when: {}, ...role }] }, mixed())
      return outcomeOf(app.data('bob').deleteOne(ns, { _id: 1 }))
    }
    expect(await outcome({ delete: true, write: true })).toEqual({ deletedCount: 1 })
    expect(await outcome({ delete: true, write: false })).toEqual(refused('delete'))
    expect(await outcome({ delete: true })).toEqual(refused('delete'))
    expect(await outcome({ delete: true, additional_fields: { write: true } })).toEqual({ deletedCount: 1 })
    expect(await outcome({ write: true })).toEqual({ deletedCount: 1 })
  })

  it('validates the schema on the document as it would be stored', async () => {
    const schema: JsonObject = {
      bsonType: 'object',
      required: ['title'],
      properties: {
        title: { bsonType: 'string', minLength: 2 },
        n: {
          bsonType: 'int',
          minimum: 1,
          validate: { '%or': [{ '%%prev': { '%exists': false } }, { '%%this': { '%gte': '%%prev' } }] },
        },
      },
    }
    const ns = await app.collection({ ...free, schema }, [{ _id: 1, title: 'aa', n: 5 }])
    const data = app.data('bob')
    const invalid = (what: string) => refused(what, 'SchemaValidationFailedWrite')
    expect(await outcomeOf(data.insertOne(ns, { _id: 2, n: 1 }))).toEqual(invalid('insert'))
    expect(await outcomeOf(data.insertOne(ns, { _id: 2, title: 'a' }))).toEqual(invalid('insert'))
    expect(await outcomeOf(data.insertOne(ns, { _id: 2, title: 'aa', n: 1.5 }))).toEqual(invalid('insert'))
    expect(await outcomeOf(data.insertOne(ns, { _id: 2, title: null }))).toEqual(invalid('insert'))
    expect(await outcomeOf(data.updateOne(ns, { _id: 1 }, { $set: { n: 4 } }))).toEqual(invalid('update'))
    expect(await outcomeOf(data.updateOne(ns, { _id: 1 }, { $set: { n: 6 } }))).toEqual({
      matchedCount: 1,
      modifiedCount: 1,
    })
    expect(await outcomeOf(data.deleteOne(ns, { _id: 1 }))).toEqual({ deletedCount: 1 })
    expect(await outcomeOf(app.data('system').insertOne(ns, { _id: 3 }))).toEqual({ insertedId: 3 })
  })

  it('takes a refused write back when the caller commits its own transaction all the same', async () => {
    const own = { owner: '%%user.id' }
    const ns = await app.collection({ roles: [{ apply_when: own, read: true, write: own }] }, mixed())
    const data = app.data('bob')
    const session = data.startSession(service)
    const outcomes: unknown[] = []
    await session.withTransaction(async () => {
      outcomes.push(await outcomeOf(data.updateOne(ns, { _id: 1 }, { $set: { owner: 'a1' } }, { session })))
      outcomes.push(
        await outcomeOf(data.updateOne(ns, { _id: 8 }, { $set: { owner: 'a1' } }, { session, upsert: true })),
      )
      outcomes.push(await outcomeOf(data.updateMany(ns, {}, { $set: { n: 0 } }, { session })))
      outcomes.push(await outcomeOf(data.updateOne(ns, { _id: 2 }, { $set: { n: 20 } }, { session })))
      outcomes.push(await outcomeOf(data.findOne(ns, { _id: 2 }, { session })))
    })
    await session.endSession()
    expect(outcomes).toEqual([
      refused('update'),
      refused('insert'),
      refused('update'),
      { matchedCount: 1, modifiedCount: 1 },
      { _id: 2, owner: 'b2', n: 20 },
    ])
    expect(await stored(ns)).toEqual([mixed()[0], { _id: 2, owner: 'b2', n: 20 }, mixed()[2]])
  })

  it('loses no update of many callers at once', async () => {
    const ns = await app.collection(owner, mixed())
    await Promise.all(Array.from({ length: 12 }, () => app.data('bob').updateOne(ns, { _id: 1 }, { $inc: { n: 1 } })))
    expect((await stored(ns))[0]).toEqual({ _id: 1, owner: 'b2', n: 13 })
  })

  it('hands on what the server says of a write that rules permit', async () => {
    const ns = await app.collection(free, mixed())
    const data = app.data('bob')
    const duplicate = await outcomeOf(data.insertOne(ns, { _id: 1 }))
    expect(duplicate).toEqual({ refusal: expect.stringMatching(/^MongoDBError: .*duplicate key/i) })
    expect(await outcomeOf(data.updateOne(ns, { _id: 1 }, { n: 1 }))).toEqual({
      refusal: 'MongoDBError: Update document requires atomic operators',
    })
  })

  it.each([
    [{ dropAll: {} }, "'dropAll' is not supported"],
    [{ deleteOne: {} }, "'deleteOne' must have a 'filter' object"],
    [{}, 'must have exactly one field'],
  ])('refuses the bulk operation %j', async (operation, reason) => {
    const ns = await app.collection(free, [])
    expect(await outcomeOf(app.data('bob').bulkWrite(ns, [operation]))).toEqual({
      refusal: `MongoDBError: invalid bulk write operation: ${reason}`,
    })
  })
})
