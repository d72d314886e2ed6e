import { EJSON, ObjectId } from 'bson'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Audience,
  audiences,
  type Operation,
  operations,
  type RulesRow,
  rulesTable,
} from '../../cli/rules/rules-table.ts'
import { ApiKeyStore } from '../../runtime/users/api-key-store.ts'
import { type OwnEdge, startOwnEdge } from '../support/own-edge.ts'

/** Calls one operation of a collection as whoever calls the function. */
const probe = `exports = async function (database, collection, operation, id, document) {
  const target = context.services.get('mongodb-atlas').db(database).collection(collection)
  if (operation === 'read') return (await target.find({ _id: id }).toArray()).length
  if (operation === 'insert') return target.insertOne(document)
  if (operation === 'update') return target.updateOne({ _id: id }, { $set: { probe: 2 } })
  return target.deleteOne({ _id: id })
}`

interface Visitor {
  /** Of the Data API; undefined sends no credentials. */
  readonly key: string | undefined
  /** Access token of a person with the same role. */
  readonly token: string | undefined
}

interface Attempt {
  readonly operation: Operation
  readonly collection: string
  readonly _id: ObjectId
  /** What an insert sends: extended JSON. */
  readonly document: object
}

type Door = (visitor: Visitor, attempt: Attempt) => Promise<Response>

let edge: OwnEdge
let table: RulesRow[]
const visitors = new Map<Audience | 'nobody', Visitor>()

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${edge.origin}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
const bearer = (token: string | undefined): Record<string, string> =>
  token === undefined ? {} : { Authorization: `Bearer ${token}` }
const oid = (_id: ObjectId) => ({ $oid: _id.toHexString() })

const clientApp = () => `/api/client/v2.0/app/${edge.definition.clientAppId}`

async function field(response: Response, name: string): Promise<string> {
  return String(Reflect.get(Object(await response.json()), name))
}

/** The id of a new person. */
async function registered(email: string): Promise<string> {
  await post(`${clientApp()}/auth/providers/local-userpass/register`, { email, password: 'a long password' })
  const login = () =>
    post(`${clientApp()}/auth/providers/local-userpass/login`, { username: email, password: 'a long password' })
  return field(await login(), 'user_id')
}

async function visitorWith(audience: Audience): Promise<Visitor> {
  const custom_data: { role?: string } = audiences[audience]
  const keys = new ApiKeyStore(edge.state)
  const { key } = await keys.createServerKey(`roles-${audience}`, custom_data, new Date())
  const email = `${audience.replace(' ', '-')}@acme.example`
  const id = await registered(email)
  const row = { auth0_id: `test|${audience}`, app_user_id: id, ...custom_data }
  // A row without a role is no valid one; rules must stand it all the same.
  await edge.db.collection('users').insertOne(row, { bypassDocumentValidation: true })
  // Custom data is read at login.
  const login = await post(`${clientApp()}/auth/providers/local-userpass/login`, {
    username: email,
    password: 'a long password',
  })
  return { key, token: await field(login, 'access_token') }
}

beforeAll(async () => {
  edge = await startOwnEdge({ functions: { probe } })
  table = await rulesTable(edge.definition)
  for (const audience of ['viewer', 'analyst', 'admin', 'no role'] as const)
    visitors.set(audience, await visitorWith(audience))
  visitors.set('nobody', { key: undefined, token: undefined })
}, 60_000)
afterAll(() => edge?.close())

const actions: Record<Operation, string> = {
  read: 'find',
  insert: 'insertOne',
  update: 'updateOne',
  delete: 'deleteOne',
}

const doors: Record<string, Door> = {
  'the Data API': ({ key }, { operation, collection, _id, document }) => {
    const target = { dataSource: 'mongodb-atlas', database: edge.database, collection }
    const filter = { _id: oid(_id) }
    const more = operation === 'insert' ? { document } : { filter }
    const update = operation === 'update' ? { update: { $set: { probe: 2 } } } : {}
    const path = `/app/${edge.definition.clientAppId}/endpoint/data/v1/action/${actions[operation]}`
    return post(path, { ...target, ...more, ...update }, key === undefined ? {} : { 'api-key': key })
  },
  'the client API': ({ token }, { operation, collection, _id, document }) => {
    const target = { database: edge.database, collection }
    const query = { _id: oid(_id) }
    const more = operation === 'insert' ? { document } : { query }
    const update = operation === 'update' ? { update: { $set: { probe: 2 } } } : {}
    const call = { service: 'mongodb-atlas', name: actions[operation], arguments: [{ ...target, ...more, ...update }] }
    return post(`${clientApp()}/functions/call`, call, bearer(token))
  },
  'a function of the user': ({ token }, { operation, collection, _id, document }) =>
    post(
      `${clientApp()}/functions/call`,
      { name: 'probe', arguments: [edge.database, collection, operation, oid(_id), document] },
      bearer(token),
    ),
}

/** A document that the schema of the collection accepts. */
function validDocument(collection: string): Record<string, unknown> {
  const schema = edge.definition.dataSources[0]?.collections.find((one) => one.collection === collection)?.schema
  const { required = [], properties = {} } = (schema ?? {}) as { required?: string[]; properties?: object }
  const fields = required.map((name) => [name, valueFor(Reflect.get(properties, name) ?? {})])
  return { ...Object.fromEntries(fields), probe: 1 }
}

function valueFor(rule: { bsonType?: string; enum?: unknown[] }): unknown {
  if (rule.enum !== undefined) return rule.enum[0]
  if (rule.bsonType === 'date') return new Date(1_700_000_000_000 + Math.floor(Math.random() * 1e11))
  if (rule.bsonType === 'number') return 7
  return rule.bsonType === 'object' ? {} : new ObjectId().toHexString()
}

async function isPermitted(response: Response, operation: Operation): Promise<boolean> {
  const text = await response.text()
  if (response.ok) return operation !== 'read' || /"documents":\[\{|^\[\{|^1$|"\$numberInt":"1"/.test(text)
  const isRefusal =
    text.includes(`${operation} not permitted"`) || response.status === 401 || /authentication/.test(text)
  expect({ isRefusal, text }).toEqual({ isRefusal: true, text })
  return false
}

describe.each(Object.keys(doors))('over %s', (name) => {
  it.each([...Object.keys(audiences), 'nobody'])(
    '%s may do in every collection what the table says',
    async (audience) => {
      const door = doors[name]
      const visitor = visitors.get(audience as Audience | 'nobody')
      if (door === undefined || visitor === undefined) throw new Error('no such door')
      const seen: Record<string, readonly string[]> = {}
      const told: Record<string, readonly string[]> = {}
      const rows = table.map(async ({ namespace, permitted }) => {
        const collection = namespace?.slice(namespace.indexOf('.') + 1) ?? 'collection_without_rules'
        told[collection] = audience === 'nobody' ? [] : permitted[audience as Audience]
        const _id = new ObjectId()
        await edge.db.collection(collection).insertOne({ ...validDocument(collection), _id })
        const document = EJSON.serialize(validDocument(collection), { relaxed: false })
        const done: string[] = []
        for (const operation of operations)
          if (await isPermitted(await door(visitor, { operation, collection, _id, document }), operation))
            done.push(operation)
        seen[collection] = done
      })
      await Promise.all(rows)
      expect(seen).toEqual(told)
    },
  )
})
