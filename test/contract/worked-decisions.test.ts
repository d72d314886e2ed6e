import { randomBytes } from 'node:crypto'
import { EJSON } from 'bson'
import { SignJWT } from 'jose'
import { type Document, MongoClient, ObjectId } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ApiKeyStore } from '../../runtime/users/api-key-store.ts'
import { openUserState } from '../../runtime/users/state.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/app-folders.ts'
import { type ServedApp, serveApp } from '../support/served-app.ts'
import { post } from './credentials.ts'
import { ownHosts } from './edge-under-test.ts'
import { collections, type DecisionRow, decisionRows, document, questionRows } from './worked-decisions-rows.ts'

const app = 'decisions-abcde'
const database = `decisions_${randomBytes(4).toString('hex')}`
const tokenKey = '0123456789abcdef0123456789abcdef'
const service = 'mongodb-atlas'

const act = `exports = function (collection, action, { filter = {}, projection, sort, limit, document, update, upsert, pipeline }) {
  const target = context.services.get('${service}').db('${database}').collection(collection)
  switch (action) {
    case 'find': return target.find(filter, { projection: projection || {}, sort: sort || {}, limit: limit || 0 }).toArray()
    case 'findOne': return target.findOne(filter)
    case 'aggregate': return target.aggregate(pipeline).toArray()
    case 'insertOne': return target.insertOne(document)
    case 'updateOne': return target.updateOne(filter, update, { upsert: upsert === true })
    case 'deleteOne': return target.deleteOne(filter)
    case 'deleteMany': return target.deleteMany(filter)
    default: return target[action](filter)
  }
}`

function appFiles(): Record<string, unknown> {
  const source = `data_sources/${service}`
  const everything = { name: 'all', apply_when: {}, read: true, write: true, insert: true, delete: true, search: true }
  const files: Record<string, unknown> = {
    'realm_config.json': { config_version: 20210101, app_id: app, name: 'decisions' },
    'auth/providers.json': {
      'api-key': { name: 'api-key', type: 'api-key', disabled: false },
      'custom-token': {
        name: 'custom-token',
        type: 'custom-token',
        disabled: false,
        config: { audience: [], requireAnyAudience: false, signingAlgorithm: 'HS256', useJWKURI: false },
        secret_config: { signingKeys: ['tokenKey'] },
        metadata_fields: [{ required: true, name: 'email', field_name: 'email' }],
      },
    },
    'auth/custom_user_data.json': {
      enabled: true,
      mongo_service_name: service,
      database_name: database,
      collection_name: 'people',
      user_id_field: 'user_id',
    },
    'http_endpoints/data_api_config.json': {
      disabled: false,
      versions: ['v1'],
      return_type: 'EJSON',
      fetch_custom_user_data: true,
    },
    'functions/act.js': act,
    'functions/actAsSystem.js': act,
    'functions/isMember.js': "exports = (id, team) => typeof id === 'string' && team === 't1'",
    'functions/throwing.js': "exports = () => { throw new Error('no') }",
    'functions/config.json': [
      { name: 'act', private: false },
      { name: 'actAsSystem', private: false, run_as_system: true },
      { name: 'isMember', private: true },
      { name: 'throwing', private: true },
    ],
    [`${source}/config.json`]: { name: service, type: service, config: { clusterName: 'Cluster0' } },
    [`${source}/default_rule.json`]: { roles: [everything], filters: [] },
  }
  for (const [collection, rules] of Object.entries(collections)) {
    const { schema, ...rest } = { schema: undefined, ...rules }
    files[`${source}/${database}/${collection}/rules.json`] = { database, collection, filters: [], ...rest }
    if (schema !== undefined) files[`${source}/${database}/${collection}/schema.json`] = schema
  }
  return files
}

type Answer = { status: number; body: unknown }
type Who = DecisionRow['as']

/** How a door says that a call was refused. */
const prefixes: Record<DecisionRow['action'], string> = {
  findOne: 'Failed to find document: ',
  find: 'Failed to find documents: ',
  aggregate: 'Failed to aggregate documents: ',
  insertOne: 'Failed to insert document: ',
  updateOne: 'Failed to update document: ',
  deleteOne: 'Failed to delete document: ',
  deleteMany: 'Failed to delete documents: ',
}

describe.each(ownHosts)('the worked decisions of the rules on %s', (kind) => {
  let folder: TemporaryFolder
  let served: ServedApp
  let client: MongoClient
  const tokens: Record<Who, string> = { ann: '', bob: '', key: '' }
  const ids: Record<string, string> = {}

  const api = () => `${served.url}/api/client/v2.0/app/${app}`

  async function logIn(provider: string, credentials: object): Promise<{ id: string; token: string }> {
    const { status, body } = await post(`${api()}/auth/providers/${provider}/login`, credentials)
    expect(status, JSON.stringify(body)).toBe(200)
    return { id: body.user_id, token: body.access_token }
  }

  async function logInByToken(name: string) {
    const token = await new SignJWT({ email: `${name}@x.io` })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(name)
      .setAudience(app)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(new TextEncoder().encode(tokenKey))
    return logIn('custom-token', { token })
  }

  beforeAll(async () => {
    folder = await temporaryFolder(appFiles())
    served = await serveApp(kind, folder.dir, { secrets: { tokenKey } })
    client = new MongoClient(served.uri)
    const people = client.db(database).collection('people')
    for (const name of ['ann', 'bob'] as const) ids[name] = (await logInByToken(name)).id
    await people.insertOne({ user_id: ids.ann, role: 'admin', teams: ['t1'] })
    for (const name of ['ann', 'bob'] as const) tokens[name] = (await logInByToken(name)).token
    const keys = new ApiKeyStore(openUserState(client, app))
    const { key } = await keys.createServerKey(`decisions-${new ObjectId().toHexString()}`, {}, new Date())
    tokens.key = (await logIn('api-key', { key })).token
  })

  afterAll(async () => {
    await client?.db(database).dropDatabase()
    await client?.close()
    await served?.close()
    await folder?.remove()
  })

  const filled = <T>(value: T): T =>
    JSON.parse(JSON.stringify(value).replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => ids[name] ?? ''))

  async function seed(row: DecisionRow): Promise<Document> {
    const collection = client.db(database).collection(row.rules)
    const stored: Document = row.number === 16 ? { _id: new ObjectId(ids.bob), title: 'me' } : filled(document)
    await collection.deleteMany({})
    await collection.insertOne({ ...stored })
    return stored
  }

  const headers = (as: Who) => ({ Authorization: `Bearer ${tokens[as]}`, Accept: 'application/ejson' })

  const doors: Record<string, (row: DecisionRow) => Promise<Answer>> = {
    'the Data API': async ({ rules, as, action, fields = {} }) => {
      const url = `${served.url}/app/${app}/endpoint/data/v1/action/${action}`
      const body = filled({ dataSource: 'Cluster0', database, collection: rules, ...fields })
      const answer = await post(url, body, headers(as))
      const { document: found, documents } = answer.body
      if (found !== undefined) return { ...answer, body: found }
      return documents === undefined ? answer : { ...answer, body: documents }
    },
    'a service call': ({ rules, as, action, fields: { filter, projection, ...fields } = {} }) => {
      const given = { ...(filter && { query: filter }), ...(projection && { project: projection }), ...fields }
      const args = [filled({ database, collection: rules, ...given })]
      return post(`${api()}/functions/call`, { service, name: action, arguments: args }, headers(as))
    },
    'a function of the user': ({ rules, as, action, fields = {} }) =>
      post(`${api()}/functions/call`, { name: 'act', arguments: [rules, action, filled(fields)] }, headers(as)),
  }

  function expected(door: string, { action, decides }: DecisionRow): Answer {
    if ('value' in decides) {
      const status = action === 'insertOne' && door === 'the Data API' ? 201 : 200
      return { status, body: filled(decides.value) }
    }
    const { refused, code = 'FunctionExecutionError' } = decides
    const link = expect.stringContaining('/logs?co_id=')
    if (door === 'the Data API') {
      const text = code === 'MongoDBError' ? refused : `FunctionError: ${refused}`
      return { status: 400, body: { error: prefixes[action] + text, error_code: 'MongoDBError', link } }
    }
    const isThrown = door === 'a function of the user' && code === 'MongoDBError'
    return { status: 400, body: { error: refused, error_code: isThrown ? 'FunctionExecutionError' : code, link } }
  }

  /** Canonical as the answer is, plain as the table is written. */
  const relaxed = ({ status, body }: Answer): Answer => ({
    status,
    body: EJSON.serialize(EJSON.deserialize({ body } as object, { relaxed: true }), { relaxed: true }).body,
  })

  describe.each(Object.keys(doors))('by %s', (door) => {
    it.each(decisionRows)('$number: $what ($as)', async (row) => {
      const stored = await seed(row)
      expect(relaxed((await doors[door]?.(row)) ?? { status: 0, body: undefined })).toEqual(expected(door, row))
      if ('refused' in row.decides)
        expect(await client.db(database).collection(row.rules).find().toArray()).toEqual([stored])
    })

    // What is asked through the same door is answered by the same code on both hosts.
    it.each(kind === 'node' || door === 'the Data API' ? questionRows : [])(
      'nothing hidden is told by $what',
      async (row) => {
        const stored = await seed(row)
        expect(relaxed((await doors[door]?.(row)) ?? { status: 0, body: undefined })).toEqual(expected(door, row))
        expect(await client.db(database).collection(row.rules).find().toArray()).toEqual([stored])
      },
    )
  })

  it('20: the system passes rules and schema', async () => {
    await client.db(database).collection('titled').deleteMany({})
    await client.db(database).collection<{ _id: number; title: string }>('titled').insertOne({ _id: 1, title: 'x' })
    const call = (name: string) =>
      post(
        `${api()}/functions/call`,
        { name, arguments: ['titled', 'updateOne', { filter: { _id: 1 }, update: { $unset: { title: '' } } }] },
        headers('bob'),
      )
    expect((await call('act')).status).toBe(400)
    expect(relaxed(await call('actAsSystem'))).toEqual({ status: 200, body: { matchedCount: 1, modifiedCount: 1 } })
  })

  it.each(['count', 'distinct'])('%s tells nothing hidden by a service call', async (name) => {
    await seed(questionRows[0] as DecisionRow)
    const ask = async (fields: object) => {
      const args = [{ database, collection: 'titleOnly', ...fields }]
      return relaxed(await post(`${api()}/functions/call`, { service, name, arguments: args }, headers('bob')))
    }
    const answers = [
      await ask({ query: { salary: { $gt: 5 } }, key: 'title' }),
      await ask({ query: {}, key: 'salary' }),
      await ask({ query: {}, key: 'title' }),
    ]
    expect(answers.map(({ body }) => body)).toEqual(name === 'count' ? [0, 1, 1] : [[], [], ['x']])
  })

  it('an image that a find-and-modify returns holds nothing hidden', async () => {
    await seed({ ...(questionRows[0] as DecisionRow), rules: 'cityOnly' })
    const fields = { filter: { _id: 1 }, update: { $set: { 'addr.city': 'Roma' } }, projection: { 'addr.zip': 1 } }
    const args = [{ database, collection: 'cityOnly', ...fields, returnNewDocument: true }]
    const call = { service, name: 'findOneAndUpdate', arguments: args }
    const answer = await post(`${api()}/functions/call`, call, headers('bob'))
    expect(relaxed(answer)).toEqual({ status: 200, body: { addr: {} } })
  })
})
