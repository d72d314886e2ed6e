import { Decimal128, Double, Int32, Long, ObjectId, UUID } from 'bson'
import { describe, expect, it } from 'vitest'
import {
  type ExpressionScope,
  evaluate,
  evaluateExpression,
  expandQuery,
} from '../../../../runtime/expression/index.ts'
import type { Expression, JsonObject } from '../../../../schemas/app/definition.ts'

const id = '64b0c1d2e3f4a5b6c7d8e9f0'
const uuid = '00112233-4455-6677-8899-aabbccddeeff'

const root = {
  _id: ObjectId.createFromHexString(id),
  owner: 'b2',
  n: new Int32(5),
  d: new Double(5),
  big: Long.fromString('9007199254740993'),
  money: Decimal128.fromString('10.50'),
  gone: null,
  list: [new Int32(1), new Int32(2)],
  members: ['b2', 'c3'],
  addr: { city: 'Bari', zips: ['70100', '70121'] },
  at: new Date('2024-01-01T00:00:00Z'),
  uid: new UUID(uuid),
}

const scope: ExpressionScope = {
  user: {
    id: 'b2',
    type: 'normal',
    data: { email: 'bob@x.io' },
    custom_data: { role: 'admin', teams: ['t1', 't2'], manages: ['ann@x.io', 'bob@x.io'], active: true },
    identities: [{ id: 'i1', provider_type: 'local-userpass' }],
  },
  request: { httpMethod: 'POST', requestHeaders: { 'X-Tenant': ['acme', 'b'] }, remoteIPAddress: '127.0.0.1' },
  environment: { tag: 'production', values: { limit: 5 } },
  value: (name) =>
    new Map<string, unknown>([
      ['allowed', ['b2', 'x']],
      ['dotted.name', { deep: 1 }],
    ]).get(name),
  callFunction: async (name, args) => {
    if (name === 'throwing') throw new Error('no')
    return name === 'echo' ? args[0] : args.length
  },
  root,
  this: new Int32(7),
  prev: new Int32(6),
  prevRoot: { owner: 'a1' },
  args: ['first'],
}

const call = (name: string, ...args: (string | number | boolean)[]) => ({ '%function': { name, arguments: args } })

const truths: Expression[] = [
  true,
  {},
  { owner: '%%user.id' },
  { '%%root.owner': '%%user.id' },
  { '%%prevRoot.owner': 'a1' },
  { '%%user.id': 'b2', owner: 'b2' },
  { members: '%%user.id' },
  { '%%user.data.email': '%%user.custom_data.manages.1' },
  { '%%user.data.email': '%%user.custom_data.manages' },
  { '%%user.custom_data.active': true },
  { '%%true': '%%user.custom_data.active' },
  { '%%true': true },
  { '%%false': false },
  { '%%false': { '%and': [{ owner: 'b2' }, { n: 6 }] } },
  { '%%true': { '%%user.type': 'normal', owner: 'b2' } },
  { '%%user.identities.0.providerType': 'local-userpass' },
  { '%%user.identities.0.provider_type': 'local-userpass' },
  { '%%request.httpMethod': 'POST' },
  { '%%request.requestHeaders.x-tenant': 'acme' },
  { '%%request.requestHeaders.x-tenant.1': 'b' },
  { '%%environment.tag': 'production' },
  { '%%environment.values.limit': 5 },
  { '%%values.dotted.name.deep': 1 },
  { owner: { $in: '%%values.allowed' } },
  { 'addr.city': 'Bari' },
  { 'addr.zips.1': '70121' },
  { addr: { city: 'Bari', zips: ['70100', '70121'] } },
  { n: 5 },
  { n: { $eq: 5 } },
  { n: { '%gt': 4, '%lte': 5 } },
  { n: { $ne: 6 } },
  { nothing: { $ne: 6 } },
  { n: { '%and': [{ $gt: 0 }, { $lte: 42 }] } },
  { n: { '%or': [{ $lt: 0 }, { $gte: 5 }] } },
  { n: { '%not': { $gt: 5 } } },
  { n: { $nin: [1, 2] } },
  { list: { $in: [2] } },
  { d: 5 },
  { big: { $gt: 9007199254740992 } },
  { money: 10.5 },
  { gone: null },
  { gone: { $exists: true } },
  { nothing: { '%exists': false } },
  { at: { $gt: { $date: '2023-12-31T00:00:00Z' } } },
  { _id: { '%stringToOid': id } },
  { _id: { $oid: id } },
  { '%%values.nothing': { '%exists': false } },
  { _id: { $eq: { '%stringToOid': id } } },
  { _id: { $in: [{ '%stringToOid': id }] } },
  { uid: { '%stringToUuid': uuid } },
  { '%%true': { '%function': { name: 'echo', arguments: [true] } } },
  { owner: call('echo', '%%user.id') },
  { n: { $lt: call('echo', 6) } },
  { '%or': [{ owner: 'zz' }, { n: 5 }] },
  { '%or': [{ owner: 'b2' }, { '%%true': call('throwing') }] },
  { '%nor': [{ owner: 'zz' }, { n: 6 }] },
  { '%not': { owner: 'zz' } },
  { $and: [{ owner: 'b2' }, { n: 5 }] },
  { '%%this': { $gt: 6 } },
  { '%%prev': 6 },
  { '%%args.0': 'first' },
]

const falsehoods: Expression[] = [
  false,
  { owner: 'a1' },
  { owner: {} },
  { _id: '%%user.id' },
  { _id: id },
  { n: '5' },
  { n: { $gt: '4' } },
  { owner: { $gt: 4 } },
  { nothing: '%%user.custom_data.nothing' },
  { nothing: null },
  { '%%user.custom_data.nothing': { '%in': ['x'] } },
  { owner: { '%in': '%%user.custom_data.nothing' } },
  { gone: { $exists: false } },
  { list: [1] },
  { addr: { city: 'Bari' } },
  { constructor: { '%exists': true } },
  { '__proto__.x': { '%exists': true } },
  { '%%true': false },
  { '%%true': { owner: 'a1' } },
  { '%%user.identities.0.nothing': 'x' },
  { _id: { '%stringToOid': 'short' } },
  { '%not': { _id: { '%stringToOid': 'short' } } },
  { uid: { '%stringToUuid': 'short' } },
  { '%%unknown': { '%exists': false } },
  { owner: '%%unknown' },
  { '%not': { owner: '%%unknown' } },
  { owner: { '%unknown': 1 } },
  { '%unknown': [] },
  { '%%true': call('throwing') },
  { '%not': { '%%true': call('throwing') } },
  { '%%partition': 'x' },
  { at: '2024-01-01T00:00:00Z' },
  { '%and': [{ owner: 'b2' }, { n: 6 }] },
  { '%nor': [{ owner: 'b2' }] },
]

describe('rule expressions', () => {
  it.each(truths.map((expression) => [expression]))('%j holds', async (expression) => {
    expect(await evaluateExpression(expression, scope)).toBe(true)
  })

  it.each(falsehoods.map((expression) => [expression]))('%j does not hold', async (expression) => {
    expect(await evaluateExpression(expression, scope)).toBe(false)
  })

  it('converts between ids and their texts', async () => {
    const swapped = { ...scope, root: { text: id, uuid }, this: root._id, prev: root.uid }
    expect(await evaluateExpression({ text: { '%oidToString': '%%this' } }, swapped)).toBe(true)
    expect(await evaluateExpression({ uuid: { '%uuidToString': '%%prev' } }, swapped)).toBe(true)
    expect(await evaluateExpression({ text: { '%oidToString': '%%user.id' } }, swapped)).toBe(false)
  })

  it('waits only for expressions that call a function', () => {
    expect(evaluate({ owner: '%%user.id' }, scope)).toBe(true)
    expect(evaluate({ owner: call('echo', 'b2') }, scope)).toBeInstanceOf(Promise)
  })

  it('hands document values to functions with their types', async () => {
    const seen: unknown[] = []
    const callFunction = async (_name: string, args: readonly unknown[]) => seen.push(...args) > 0
    await evaluateExpression({ '%%true': call('f', '%%root._id', '%%root.n', 'text') }, { ...scope, callFunction })
    expect(seen).toEqual([root._id, root.n, 'text'])
  })
})

describe('queries of rule filters', () => {
  it.each<[JsonObject, unknown]>([
    [{ owner: '%%user.id' }, { owner: 'b2' }],
    [{ team: { '%in': '%%user.custom_data.teams' } }, { team: { $in: ['t1', 't2'] } }],
    [{ _id: { '%stringToOid': id } }, { _id: root._id }],
    [{ at: { $gt: { $date: '2024-01-01T00:00:00Z' } } }, { at: { $gt: root.at } }],
    [{ $or: [{ a: 1 }, { b: '%%values.allowed' }] }, { $or: [{ a: 1 }, { b: ['b2', 'x'] }] }],
    [{ owner: '%%user.custom_data.nothing' }, undefined],
    [{ $or: [{ a: 1 }, { b: '%%user.custom_data.nothing' }] }, undefined],
    [{ owner: '%%unknown' }, undefined],
  ])('%j becomes a query with its values', async (query, expected) => {
    expect(await expandQuery(query, scope)).toEqual(expected)
  })
})
