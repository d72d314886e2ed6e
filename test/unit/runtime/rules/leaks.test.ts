import type { Document } from 'bson'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DataAccess, Namespace } from '../../../../runtime/data/data-access.ts'
import { outcomeOf } from '../../../support/outcome.ts'
import { type RulesTestApp, startRulesApp } from '../../../support/rules-app.ts'

/** Salaries are hidden; the title and the owner are not. */
const roles = [
  {
    apply_when: {},
    fields: { _id: { read: true }, title: { read: true, write: true }, owner: { read: true }, salary: {}, note: {} },
  },
]
const people = [
  { _id: 1, title: 'a', owner: 'x', salary: 30, note: 'n1' },
  { _id: 2, title: 'b', owner: 'y', salary: 10, note: 'n2' },
  { _id: 3, title: 'c', owner: 'x', salary: 20, note: 'n3' },
]
const visible = people.map(({ salary, note, ...rest }) => rest)

type Call = (data: DataAccess, ns: Namespace) => Promise<unknown>
const find =
  (filter: Document, options = {}): Call =>
  (data, ns) =>
    data.find(ns, filter, options).toArray()
const aggregate =
  (...pipeline: Document[]): Call =>
  (data, ns) =>
    data.aggregate(ns, pipeline).toArray()
const update =
  (filter: Document, change: Document | Document[]): Call =>
  (data, ns) =>
    data.updateOne(ns, filter, change)
const refused = { refusal: 'FunctionExecutionError: update not permitted' }
const unmatched = { matchedCount: 0, modifiedCount: 0 }

const attempts: [string, Call, unknown][] = [
  ['a sort by a hidden field orders nothing', find({}, { sort: { salary: 1 } }), visible],
  ['a page of a sort by a hidden field is not chosen by it', find({}, { sort: { salary: 1 }, limit: 1 }), [visible[0]]],
  ['a sort by a readable field orders', find({}, { sort: { title: -1 }, limit: 1 }), [visible[2]]],
  ['a filter on a hidden field finds nothing', find({ salary: { $gt: 15 } }), []],
  ['a filter on the absence of a hidden field finds nothing', find({ salary: { $exists: true } }), []],
  ['a hidden field inside $or finds nothing', find({ $or: [{ salary: 10 }, { _id: 99 }] }), []],
  ['a page is not shortened by a hidden match', find({ $or: [{ salary: 30 }, { title: 'b' }] }, { limit: 1 }), []],
  ['a projection of a hidden field gives nothing', find({ _id: 1 }, { projection: { salary: 1 } }), [{ _id: 1 }]],
  [
    'a computed projection sees the readable part',
    find({ _id: 1 }, { projection: { pay: '$salary', t: '$title' } }),
    [{ _id: 1, t: 'a' }],
  ],
  ['a count by a hidden field counts nothing', (data, ns) => data.count(ns, { salary: { $gt: 15 } }), 0],
  ['a count counts what is readable', (data, ns) => data.count(ns, { owner: 'x' }), 2],
  ['distinct values of a hidden field are none', (data, ns) => data.distinct(ns, 'salary', {}), []],
  ['distinct values of a readable field are all', (data, ns) => data.distinct(ns, 'owner', {}), ['x', 'y']],
  ['distinct values by a hidden field are none', (data, ns) => data.distinct(ns, 'owner', { salary: 10 }), []],
  [
    'a group by a hidden field has one group',
    aggregate({ $group: { _id: '$salary', n: { $sum: 1 } } }),
    [{ _id: null, n: 3 }],
  ],
  [
    'a sum of a hidden field is zero',
    aggregate({ $group: { _id: null, sum: { $sum: '$salary' } } }),
    [{ _id: null, sum: 0 }],
  ],
  [
    'a sum over readable documents is exact',
    aggregate({ $group: { _id: '$owner', n: { $sum: 1 } } }, { $sort: { _id: 1 } }),
    [
      { _id: 'x', n: 2 },
      { _id: 'y', n: 1 },
    ],
  ],
  [
    'the whole document of a stage is the readable part',
    aggregate({ $match: { _id: 1 } }, { $project: { all: '$$ROOT', _id: 0 } }),
    [{ all: visible[0] }],
  ],
  ['a match on a hidden field in a pipeline finds nothing', aggregate({ $match: { salary: 10 } }), []],
  ['a later match on a hidden field finds nothing', aggregate({ $limit: 3 }, { $match: { salary: 10 } }), []],
  [
    'a sort by a hidden field in a pipeline orders nothing',
    aggregate({ $sort: { salary: 1, _id: 1 } }, { $limit: 1 }),
    [visible[0]],
  ],
  ['an update cannot match by a hidden field', update({ salary: 10 }, { $set: { title: 'z' } }), unmatched],
  [
    'an upsert cannot match by a hidden field',
    (data, ns) => data.updateOne(ns, { salary: 10 }, { $set: { title: 'z' } }, { upsert: true }),
    { refusal: 'FunctionExecutionError: insert not permitted' },
  ],
  [
    'an upsert that matches by no hidden field is refused in the same words',
    (data, ns) => data.updateOne(ns, { salary: 11 }, { $set: { title: 'z' } }, { upsert: true }),
    { refusal: 'FunctionExecutionError: insert not permitted' },
  ],
  ['a delete cannot match by a hidden field', (data, ns) => data.deleteMany(ns, { salary: 10 }), { deletedCount: 0 }],
  [
    'a right guess of a hidden value is refused like a wrong one',
    update({ _id: 1 }, { $set: { salary: 30 } }),
    refused,
  ],
  ['a wrong guess is refused', update({ _id: 1 }, { $set: { salary: 31 } }), refused],
  [
    'a replacement with a right guess is refused',
    (data, ns) => data.replaceOne(ns, { _id: 1 }, people[0] ?? {}),
    refused,
  ],
  ['a pipeline cannot copy a hidden field', update({ _id: 1 }, [{ $set: { title: '$salary' } }]), refused],
  ['a rename cannot uncover a hidden field', update({ _id: 1 }, { $rename: { salary: 'title' } }), refused],
  ['the text of an error does not quote a hidden value', update({ _id: 1 }, { $set: { 'salary.x': 1 } }), refused],
  [
    'the text of an error of the change itself stays',
    update({ _id: 1 }, { title: 'z' }),
    { refusal: 'MongoDBError: Update document requires atomic operators' },
  ],
  [
    'the text of an operator that nobody knows stays',
    update({ _id: 1 }, { $nope: { title: 'z' } }),
    { refusal: expect.stringMatching(/^MongoDBError: Unknown modifier: \$nope/) },
  ],
  ['the type of a hidden field is not told', update({ _id: 1 }, { $push: { note: 1 } }), refused],
  [
    'a found and changed document is projected from its readable part',
    (data, ns) =>
      data.findOneAndUpdate(ns, { _id: 2 }, { $set: { title: 'b' } }, { projection: { salary: 1, title: 1 } }),
    { _id: 2, title: 'b' },
  ],
  [
    'a sort by a hidden field does not choose the document to change',
    (data, ns) => data.findOneAndUpdate(ns, {}, { $set: { title: 'z' } }, { sort: { salary: 1 } }),
    visible[0],
  ],
]

describe('nothing hidden leaks', () => {
  let app: RulesTestApp
  beforeAll(async () => {
    app = await startRulesApp('leaks')
  })
  afterAll(() => app.close())

  it.each(attempts)('%s', async (_what, call, expected) => {
    const ns = await app.collection({ roles }, people)
    expect(await outcomeOf(call(app.data('bob'), ns))).toEqual(expected)
  })

  it('hides what a filter of the rules projects away from sorts, counts and filters', async () => {
    const ns = await app.collection(
      { roles: [{ apply_when: {}, read: true }], filters: [{ apply_when: {}, projection: { salary: 0, note: 0 } }] },
      people,
    )
    const data = app.data('bob')
    expect(await outcomeOf(data.find(ns, {}, { sort: { salary: 1 }, limit: 1 }).toArray())).toEqual([visible[0]])
    expect(await data.count(ns, { salary: 10 })).toBe(0)
    expect(await data.find(ns, { salary: 10 }).toArray()).toEqual([])
    expect(await data.distinct(ns, 'salary', {})).toEqual([])
    expect(await outcomeOf(data.aggregate(ns, [{ $group: { _id: '$salary' } }]).toArray())).toEqual([{ _id: null }])
  })

  it('does not let a pipeline copy what a filter of the rules projects away', async () => {
    const ns = await app.collection(
      {
        roles: [{ apply_when: {}, read: true, write: true }],
        filters: [{ apply_when: {}, projection: { salary: 0 } }],
      },
      people,
    )
    expect(await outcomeOf(app.data('bob').updateOne(ns, { _id: 1 }, [{ $set: { title: '$salary' } }]))).toEqual(
      refused,
    )
    const found = app
      .data('bob')
      .findOneAndUpdate(ns, { _id: 1 }, { $set: { title: 'z' } }, { returnNewDocument: true })
    expect(await outcomeOf(found)).toEqual({ _id: 1, title: 'z', owner: 'x', note: 'n1' })
  })

  const writable = { apply_when: {}, read: true, write: true }
  const withoutSalary = { roles: [writable], filters: [{ apply_when: {}, projection: { salary: 0, note: 0 } }] }

  it.each<[string, Call]>([
    ['a rename', update({ _id: 1 }, { $rename: { salary: 'pay' } })],
    ['a rename by which another moves along', update({ _id: 1 }, { $set: { title: 'z' }, $rename: { salary: 'pay' } })],
    [
      'array filters',
      (data, ns) =>
        data.updateOne(ns, { _id: 1 }, { $set: { 'note.$[e]': 1 } }, { arrayFilters: [{ 'e.pay': { $gt: 5 } }] }),
    ],
    ['the text of a failure', update({ _id: 1 }, { $set: { 'salary.x': 1 } })],
    ['the text of a failure of types', update({ _id: 1 }, { $push: { salary: 1 } })],
  ])('%s does not uncover what a filter of the rules projects away', async (_what, call) => {
    const ns = await app.collection(withoutSalary, people)
    expect(await outcomeOf(call(app.data('bob'), ns))).toEqual(refused)
    expect(await outcomeOf(app.data('bob').find(ns, {}).toArray())).toEqual(visible)
  })

  it('still lets a field be written that a filter of the rules projects away', async () => {
    const ns = await app.collection(withoutSalary, people)
    expect(await outcomeOf(app.data('bob').updateOne(ns, { _id: 1 }, { $set: { salary: 99 } }))).toEqual({
      matchedCount: 1,
      modifiedCount: 1,
    })
    expect(await outcomeOf(app.data('system').findOne(ns, { _id: 1 }))).toEqual({ ...people[0], salary: 99 })
  })

  it.each<[string, Document]>([
    ['salary.0', { salary: 0 }],
    ['list.0.pay', { 'list.pay': 0 }],
    ['list.1', { list: { $slice: 1 } }],
  ])('a filter on %s tells nothing of what the projection %j leaves out', async (path, projection) => {
    const ns = await app.collection(
      { roles: [{ apply_when: {}, read: true }], filters: [{ apply_when: {}, projection }] },
      [{ _id: 1, salary: [5], list: [{ pay: 5 }, 5] }],
    )
    expect(await app.data('bob').count(ns, { [path]: 5 })).toBe(0)
    expect(await outcomeOf(app.data('system').count(ns, { [path]: 5 }))).toBe(1)
  })

  it.each<[Document, Document[] | 'refused']>([
    [{ $pull: { list: { price: 5 } } }, 'refused'],
    [{ $pull: { list: { $or: [{ price: 5 }, { n: 9 }] } } }, 'refused'],
    [{ $pull: { list: { $elemMatch: { price: 5 } } } }, 'refused'],
    [{ $pullAll: { list: [{ n: 2, price: 5 }] } }, 'refused'],
    [{ $addToSet: { list: { n: 2, price: 5 } } }, 'refused'],
    [{ $push: { list: { $each: [], $sort: { price: 1 } } } }, 'refused'],
    [{ $push: { list: { $each: [], $sort: 1 } } }, 'refused'],
    [{ $pull: { list: { n: 2 } } }, [{ n: 1 }]],
    [{ $push: { list: { $each: [], $sort: { n: -1 } } } }, [{ n: 2 }, { n: 1 }]],
    [{ $push: { list: { n: 3 } } }, [{ n: 1 }, { n: 2 }, { n: 3 }]],
    [{ $pull: { secrets: 'x' } }, [{ n: 1 }, { n: 2 }]],
  ])('the elements that %j leaves tell nothing of what a projection of the rules leaves out', async (change, left) => {
    const filters = [{ apply_when: {}, projection: { 'list.price': 0, secrets: 0 } }]
    const list = [
      { n: 1, price: 7 },
      { n: 2, price: 5 },
    ]
    const ns = await app.collection({ roles: [{ apply_when: {}, read: true, write: true }], filters }, [
      { _id: 1, list, secrets: ['x'] },
    ])
    const outcome = await outcomeOf(app.data('bob').updateOne(ns, { _id: 1 }, change))
    expect(outcome).toEqual(left === 'refused' ? refused : { matchedCount: 1, modifiedCount: 1 })
    const shown = left === 'refused' ? [{ n: 1 }, { n: 2 }] : left
    expect(await outcomeOf(app.data('bob').findOne(ns, { _id: 1 }))).toEqual({ _id: 1, list: shown })
  })

  it('refuses a projection of the rules that computes, which would leave out nothing', async () => {
    const filters = [{ apply_when: {}, projection: { salary: { $literal: 0 } } }]
    const ns = await app.collection({ roles: [{ apply_when: {}, read: true }], filters }, people)
    expect(await outcomeOf(app.data('bob').find(ns, {}).toArray())).toEqual({
      refusal: 'MongoDBError: a projection of a rules filter can only include or exclude fields',
    })
  })

  it('an index on a hidden field neither orders nor leaves out documents', async () => {
    const ns = await app.collection({ roles }, [...people, { _id: 4, title: 'd', owner: 'y' }])
    await app.client.db(ns.database).collection(ns.collection).createIndex({ salary: 1 }, { sparse: true })
    const data = app.data('bob')
    const all = [...visible, { _id: 4, title: 'd', owner: 'y' }]
    expect(await outcomeOf(data.find(ns, {}, { hint: { salary: 1 } }).toArray())).toEqual(all)
    expect(await data.count(ns, {}, { hint: { salary: 1 } })).toBe(4)
    expect(await data.distinct(ns, 'title', {}, { hint: { salary: 1 } })).toEqual(['a', 'b', 'c', 'd'])
    expect(await outcomeOf(data.aggregate(ns, [{ $match: {} }], { hint: { salary: 1 } }).toArray())).toEqual(all)
  })

  it('a hidden _id can be named, not searched for', async () => {
    const ns = await app.collection({ roles: [{ apply_when: {}, fields: { title: { read: true } } }] }, [
      { _id: 'ann@x.io', title: 'a' },
    ])
    const counts: Document[] = [
      { _id: 'ann@x.io' },
      { _id: { $in: ['ann@x.io'] } },
      { _id: { $gt: 'a' } },
      { _id: /^a/ },
      { _id: { $in: [/^a/] } },
      { _id: { $type: 'string' } },
      { $or: [{ _id: { $lt: 'b' } }] },
    ]
    const found = await Promise.all(counts.map((filter) => app.data('bob').count(ns, filter)))
    expect(found).toEqual([1, 1, 0, 0, 0, 0, 0])
  })

  it('a document that may be written unread is not found by what it holds', async () => {
    const blind = { apply_when: {}, read: { owner: '%%user.id' }, fields: { title: { write: true } } }
    const ns = await app.collection({ roles: [blind] }, people)
    const data = app.data('bob')
    expect(await data.updateOne(ns, { _id: 1, salary: { $gt: 15 } }, { $set: { title: 'z' } })).toEqual(unmatched)
    expect(await data.updateMany(ns, { salary: { $gt: 15 } }, { $set: { title: 'z' } })).toEqual(unmatched)
    expect(await outcomeOf(data.updateOne(ns, { _id: 1 }, { $set: { title: 'z' } }))).toEqual({
      matchedCount: 1,
      modifiedCount: 1,
    })
  })

  it.each<[string, unknown, number]>([
    ['text', 'x', 2],
    ['a list', ['x', 'y'], 3],
    ['a condition', { $ne: null }, 0],
    ['a pattern', /./, 0],
    ['a list with a pattern', [/./], 0],
    ['nothing', undefined, 0],
  ])('custom data that is %s does not widen a filter of the rules', async (_what, owner, count) => {
    const query = { owner: Array.isArray(owner) ? { '%in': '%%user.custom_data.owner' } : '%%user.custom_data.owner' }
    const ns = await app.collection(
      { roles: [{ apply_when: {}, read: true }], filters: [{ apply_when: {}, query }] },
      people,
    )
    const data = app.data({ id: 'u', type: 'normal', data: {}, custom_data: { owner }, identities: [] })
    expect(await data.count(ns, {})).toBe(count)
  })

  it('default roles mean no collection of the server, which holds what others hide', async () => {
    const ns = await app.collection({ defaults: [{ apply_when: {}, read: true, write: true }] })
    for (const collection of ['system.views', 'system.profile', 'system.buckets.x']) {
      expect(
        await outcomeOf(
          app
            .data('bob')
            .find({ ...ns, collection }, {})
            .toArray(),
        ),
      ).toEqual({
        refusal: `NoMatchingRuleFound: no rule exists for namespace '${ns.database}.${collection}'`,
      })
    }
  })

  it('does not tell the roles that the edge has at the database', async () => {
    const ns = await app.collection({ roles: [{ apply_when: {}, read: true }] }, people)
    expect(
      await outcomeOf(
        app
          .data('bob')
          .aggregate(ns, [{ $project: { r: '$$USER_ROLES' } }])
          .toArray(),
      ),
    ).toEqual({
      refusal: "MongoDBError: '$$USER_ROLES' is only available to system users",
    })
  })

  it('counts, groups and lists only documents that a role shows', async () => {
    const ns = await app.collection({ roles: [{ apply_when: { owner: '%%user.data.owner' }, read: true }] }, people)
    const data = app.data({ id: 'u', type: 'normal', data: { owner: 'x' }, custom_data: {}, identities: [] })
    expect(await data.count(ns, {})).toBe(2)
    expect(await outcomeOf(data.distinct(ns, 'salary', {}))).toEqual([20, 30])
    expect(
      await outcomeOf(data.aggregate(ns, [{ $group: { _id: null, sum: { $sum: '$salary' } } }]).toArray()),
    ).toEqual([{ _id: null, sum: 50 }])
  })

  it.each<[string, Call, string]>([
    [
      'an operator that nobody knows',
      find({ $foo: 1 }),
      "unknown top level operator: $foo. If you have a field name that starts with a '$' symbol, consider using $getField or $setField.",
    ],
    ['a stage that nobody knows', aggregate({ $foo: {} }), "Unrecognized pipeline stage name: '$foo'"],
    ['$where', find({ $where: 'true' }), "query operator '$where' is only available to system users"],
    ['$expr', find({ $expr: { $gt: ['$salary', 1] } }), "query operator '$expr' is only available to system users"],
    ['$regex', find({ title: { $regex: 'a' } }), "query operator '$regex' is only available to system users"],
    [
      'a nested operator',
      find({ $and: [{ title: { $not: { $bitsAllSet: 1 } } }] }),
      "query operator '$bitsAllSet' is only available to system users",
    ],
    [
      '$lookup',
      aggregate({ $lookup: { from: 'x', as: 'y' } }),
      "aggregation stage '$lookup' is only available to system users",
    ],
    ['$out', aggregate({ $out: 'x' }), "aggregation stage '$out' is only available to system users"],
    ['$unionWith', aggregate({ $unionWith: 'x' }), "aggregation stage '$unionWith' is only available to system users"],
    ['$facet', aggregate({ $facet: {} }), "aggregation stage '$facet' is only available to system users"],
    [
      '$function',
      aggregate({ $project: { a: { $function: {} } } }),
      "operator '$function' is only available to system users",
    ],
    [
      '$setIsSubset',
      aggregate({ $project: { a: { $setIsSubset: [[], []] } } }),
      "operator '$setIsSubset' is only available to system users",
    ],
    [
      '$where in a $match',
      aggregate({ $match: { $where: '1' } }),
      "query operator '$where' is only available to system users",
    ],
    ['collation', find({}, { collation: { locale: 'en' } }), "option 'collation' is only available to system users"],
    [
      'readConcern',
      find({}, { readConcern: { level: 'majority' } }),
      "option 'readConcern' is only available to system users",
    ],
    [
      'writeConcern',
      (data, ns) => data.deleteMany(ns, {}, { writeConcern: { w: 1 } }),
      "option 'writeConcern' is only available to system users",
    ],
    ['a stage of two fields', aggregate({ $match: {}, $out: 'x' }), 'a pipeline stage must have exactly one field'],
  ])('refuses %s to users', async (_what, call, text) => {
    const ns = await app.collection({ roles: [{ apply_when: {}, read: true, write: true }] }, people)
    expect(await outcomeOf(call(app.data('bob'), ns))).toEqual({ refusal: `MongoDBError: ${text}` })
  })

  it('lets users send the operators of the service', async () => {
    const ns = await app.collection({ roles: [{ apply_when: {}, read: true }] }, people)
    const filter = { salary: { $gte: 10, $mod: [20, 10] }, title: { $in: ['a', 'b'] }, note: /^n/ }
    expect(await outcomeOf(app.data('bob').find(ns, filter).toArray())).toEqual([people[0], people[1]])
  })

  it('refuses database-wide calls to users', async () => {
    const data = app.data('bob')
    const refusal = (what: string) => ({ refusal: `FunctionExecutionError: ${what} is only available to system users` })
    expect(await outcomeOf(data.listCollectionNames('mongodb-atlas', app.database))).toEqual(
      refusal('getCollectionNames'),
    )
    expect(await outcomeOf(data.listDatabaseNames('mongodb-atlas'))).toEqual(refusal('getDBNames'))
    expect(() => data.aggregateDatabase('mongodb-atlas', app.database, [])).toThrow('only available to system users')
  })
})
