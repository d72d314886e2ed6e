import { type Document, ObjectId } from 'bson'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DataAccess, Namespace } from '../../../../runtime/data/data-access.ts'
import { outcomeOf } from '../../../support/outcome.ts'
import {
  type CollectionRulesSource,
  type RulesTestApp,
  startRulesApp,
  type UserName,
  users,
} from '../../../support/rules-app.ts'

const d = () => ({
  _id: 1,
  owner: 'b2',
  team: 't1',
  title: 'x',
  salary: 10,
  addr: { city: 'Bari', zip: '70100' },
  members: ['b2'],
})

const owner: Document = { apply_when: { owner: '%%user.id' }, read: true, write: true }
const everyone = (role: Document): CollectionRulesSource => ({ roles: [{ apply_when: {}, ...role }] })

const none = { matchedCount: 1, modifiedCount: 1 }
const refused = (what: string) => ({ refusal: `FunctionExecutionError: ${what} not permitted` })

type Call = (data: DataAccess, ns: Namespace) => Promise<unknown>
const findOne: Call = (data, ns) => data.findOne(ns, { _id: 1 })
const findAll: Call = (data, ns) => data.find(ns, {}).toArray()
const set =
  (fields: Document): Call =>
  (data, ns) =>
    data.updateOne(ns, { _id: 1 }, { $set: fields })
const unset =
  (field: string): Call =>
  (data, ns) =>
    data.updateOne(ns, { _id: 1 }, { $unset: { [field]: '' } })

interface Decision {
  number: number
  what: string
  rules: CollectionRulesSource
  user: UserName | 'system'
  call: Call
  expected: unknown
}

const adminAfterAll: CollectionRulesSource = {
  roles: [
    { name: 'r0', apply_when: {}, read: true },
    { name: 'admin', apply_when: { '%%user.custom_data.role': 'admin' }, read: true, write: true },
  ],
}
const titleOnly = everyone({ fields: { title: { read: true }, salary: { read: false } }, additional_fields: {} })
const hiddenButTitle = everyone({ read: false, fields: { title: { read: true } } })
const readAdditional = everyone({ write: false, additional_fields: { read: true } })
const writeTitle = everyone({ read: true, fields: { title: { write: true } }, additional_fields: { write: false } })
const cityOnly = everyone({
  fields: { addr: { fields: { city: { read: true, write: true } } } },
  additional_fields: {},
})
const insertOnly = everyone({ insert: true, delete: false, write: { '%%prevRoot': { '%exists': false } } })
const noInsert = everyone({ insert: false, write: true })
const ownDelete = everyone({ read: true, write: true, delete: { owner: '%%user.id' } })
const teamFilter = everyone({
  document_filters: { read: { team: { '%in': '%%user.custom_data.teams' } }, write: false },
  read: true,
  write: true,
})
const ownerFilter: CollectionRulesSource = {
  roles: [{ apply_when: {}, read: true }],
  filters: [{ apply_when: { '%%user.type': 'normal' }, query: { owner: '%%user.id' }, projection: { salary: 0 } }],
}
const adminsDespiteDefaults: CollectionRulesSource = {
  roles: [{ apply_when: { '%%user.custom_data.role': 'admin' }, read: true, write: true }],
  defaults: [{ apply_when: {}, read: true, write: true }],
}
const memberFunction = (name: string) => ({
  roles: [{ apply_when: { '%%true': { '%function': { name, arguments: ['%%user.id', '%%root.team'] } } }, read: true }],
})
const titled: CollectionRulesSource = { roles: [owner], schema: { required: ['title'], bsonType: 'object' } }
const { salary: _salary, ...withoutSalary } = d()
const upsertMissing: Call = (data, ns) => data.updateOne(ns, { _id: 5 }, { $set: { title: 'y' } }, { upsert: true })
const insert: Call = (data, ns) => data.insertOne(ns, { _id: 2, title: 'n' })
const remove: Call = (data, ns) => data.deleteOne(ns, { _id: 1 })

const decisions: Decision[] = [
  { number: 1, what: 'the owner reads all', rules: { roles: [owner] }, user: 'bob', call: findOne, expected: d() },
  { number: 2, what: 'no role hides one', rules: { roles: [owner] }, user: 'ann', call: findOne, expected: null },
  { number: 2, what: 'no role hides many', rules: { roles: [owner] }, user: 'ann', call: findAll, expected: [] },
  {
    number: 3,
    what: 'no role refuses an update',
    rules: { roles: [owner] },
    user: 'ann',
    call: set({ title: 'y' }),
    expected: refused('update'),
  },
  {
    number: 4,
    what: 'the first role that applies is the only one',
    rules: adminAfterAll,
    user: 'ann',
    call: set({ title: 'y' }),
    expected: refused('update'),
  },
  {
    number: 5,
    what: 'field rules leave the readable field',
    rules: titleOnly,
    user: 'bob',
    call: findOne,
    expected: { title: 'x' },
  },
  {
    number: 6,
    what: 'read false hides whatever fields say',
    rules: hiddenButTitle,
    user: 'bob',
    call: findOne,
    expected: null,
  },
  {
    number: 7,
    what: 'write false leaves reads to the fields',
    rules: readAdditional,
    user: 'bob',
    call: findOne,
    expected: d(),
  },
  {
    number: 7,
    what: 'write false refuses updates',
    rules: readAdditional,
    user: 'bob',
    call: set({ title: 'y' }),
    expected: refused('update'),
  },
  {
    number: 8,
    what: 'a writable field may change',
    rules: writeTitle,
    user: 'bob',
    call: set({ title: 'y' }),
    expected: none,
  },
  {
    number: 8,
    what: 'one field too many refuses the whole update',
    rules: writeTitle,
    user: 'bob',
    call: set({ title: 'y', salary: 11 }),
    expected: refused('update'),
  },
  {
    number: 8,
    what: 'removing a field is writing it',
    rules: writeTitle,
    user: 'bob',
    call: unset('salary'),
    expected: refused('update'),
  },
  {
    number: 9,
    what: 'a rule inside a field reads inside it',
    rules: cityOnly,
    user: 'bob',
    call: findOne,
    expected: { addr: { city: 'Bari' } },
  },
  {
    number: 9,
    what: 'a rule inside a field writes inside it',
    rules: cityOnly,
    user: 'bob',
    call: set({ 'addr.city': 'Roma' }),
    expected: none,
  },
  {
    number: 9,
    what: 'replacing the field removes its hidden part',
    rules: cityOnly,
    user: 'bob',
    call: set({ addr: { city: 'Roma' } }),
    expected: refused('update'),
  },
  {
    number: 10,
    what: 'an insert-only role inserts',
    rules: insertOnly,
    user: 'bob',
    call: insert,
    expected: { insertedId: 2 },
  },
  {
    number: 10,
    what: 'an insert-only role reads nothing',
    rules: insertOnly,
    user: 'bob',
    call: findAll,
    expected: [],
  },
  {
    number: 11,
    what: 'insert false refuses inserts',
    rules: noInsert,
    user: 'bob',
    call: insert,
    expected: refused('insert'),
  },
  {
    number: 11,
    what: 'insert false refuses an upsert without match',
    rules: noInsert,
    user: 'bob',
    call: upsertMissing,
    expected: refused('insert'),
  },
  {
    number: 11,
    what: 'insert false lets an upsert with a match pass',
    rules: noInsert,
    user: 'bob',
    call: (data, ns) => data.updateOne(ns, { _id: 1 }, { $set: { title: 'y' } }, { upsert: true }),
    expected: none,
  },
  {
    number: 12,
    what: 'delete has its own expression',
    rules: ownDelete,
    user: 'bob',
    call: remove,
    expected: { deletedCount: 1 },
  },
  {
    number: 12,
    what: 'delete has its own expression',
    rules: ownDelete,
    user: 'ann',
    call: remove,
    expected: refused('delete'),
  },
  {
    number: 13,
    what: 'a document filter that holds shows all',
    rules: teamFilter,
    user: 'ann',
    call: findOne,
    expected: d(),
  },
  {
    number: 13,
    what: 'a document filter over a missing list hides',
    rules: teamFilter,
    user: 'bob',
    call: findOne,
    expected: null,
  },
  {
    number: 13,
    what: 'a document filter blocks writes',
    rules: teamFilter,
    user: 'ann',
    call: set({ title: 'y' }),
    expected: refused('update'),
  },
  {
    number: 14,
    what: 'a filter joins its query and projection',
    rules: ownerFilter,
    user: 'bob',
    call: (data, ns) => data.find(ns, { title: 'x' }).toArray(),
    expected: [withoutSalary],
  },
  {
    number: 14,
    what: 'a filter that does not apply changes nothing',
    rules: ownerFilter,
    user: 'key',
    call: (data, ns) => data.find(ns, { title: 'x' }).toArray(),
    expected: [d()],
  },
  {
    number: 14,
    what: 'projections of both kinds fail the query',
    rules: ownerFilter,
    user: 'bob',
    call: (data, ns) => data.find(ns, {}, { projection: { title: 1 } }).toArray(),
    expected: { refusal: 'MongoDBError: Cannot do inclusion on field title in exclusion projection' },
  },
  {
    number: 15,
    what: 'default rules never stand in for collection roles, reading',
    rules: adminsDespiteDefaults,
    user: 'bob',
    call: findAll,
    expected: [],
  },
  {
    number: 15,
    what: 'default rules never stand in for collection roles, writing',
    rules: adminsDespiteDefaults,
    user: 'bob',
    call: set({ title: 'y' }),
    expected: refused('update'),
  },
  {
    number: 17,
    what: 'a function that answers true gives the role',
    rules: memberFunction('isMember'),
    user: 'bob',
    call: findOne,
    expected: d(),
  },
  {
    number: 17,
    what: 'a function that throws gives no role',
    rules: memberFunction('throwing'),
    user: 'bob',
    call: findOne,
    expected: null,
  },
  {
    number: 18,
    what: 'nobody takes a document over by rewriting its owner',
    rules: { roles: [owner] },
    user: 'ann',
    call: set({ owner: 'a1' }),
    expected: refused('update'),
  },
  {
    number: 19,
    what: 'a schema refuses what it requires',
    rules: titled,
    user: 'bob',
    call: unset('title'),
    expected: { refusal: 'SchemaValidationFailedWrite: update not permitted' },
  },
  {
    number: 20,
    what: 'the system passes rules and schema',
    rules: titled,
    user: 'system',
    call: unset('title'),
    expected: none,
  },
]

describe('worked decisions', () => {
  let app: RulesTestApp

  beforeAll(async () => {
    app = await startRulesApp('decisions', {
      isMember: () => (user: string, team: string) => user === 'b2' && team === 't1',
      throwing: () => () => {
        throw new Error('no')
      },
    })
  })
  afterAll(() => app.close())

  it.each(decisions)('$number: $what ($user)', async ({ rules, user, call, expected }) => {
    const ns = await app.collection(rules, [d()])
    const outcome = await outcomeOf(call(app.data(user), ns))
    expect(outcome).toEqual(expected)
    if (typeof expected === 'object' && expected !== null && 'refusal' in expected) {
      expect(await app.client.db(ns.database).collection(ns.collection).find().toArray()).toEqual([d()])
    }
  })

  it('16: ids match as ObjectIds, never as strings', async () => {
    const id = new ObjectId('64b0c1d2e3f4a5b6c7d8e9f0')
    const user = { ...users.bob, id: id.toHexString() }
    const read = async (apply_when: Document) => {
      const ns = await app.collection({ roles: [{ apply_when, read: true, write: true }] }, [{ _id: id, n: 'x' }])
      return outcomeOf(app.data(user).findOne(ns, { _id: id }))
    }
    expect(await read({ _id: { '%stringToOid': '%%user.id' } })).toEqual({ _id: id, n: 'x' })
    expect(await read({ _id: '%%user.id' })).toBeNull()
  })

  it('refuses a collection without any rule', async () => {
    const ns = { ...(await app.collection({})), collection: 'unknown' }
    expect(await outcomeOf(app.data('bob').findOne(ns, {}))).toEqual({
      refusal: `NoMatchingRuleFound: no rule exists for namespace '${ns.database}.unknown'`,
    })
  })
})
