import { ObjectId } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadBuiltApp } from '../../cli/built-app.ts'
import { type NodeEdge, startNodeEdge } from '../../edge/node.ts'
import type { BuiltApp } from '../../runtime/function-module.ts'
import { ApiKeyStore, type CreatedApiKey } from '../../runtime/users/api-key-store.ts'
import { openUserState } from '../../runtime/users/state.ts'
import type { DataApiConfig } from '../../schemas/app/definition.ts'
import type { EdgeSettingsInput } from '../../schemas/edge-settings.ts'
import { post, signJwt } from '../contract/credentials.ts'
import { wireApp, wireFolder, wireSecrets } from '../contract/edge-under-test.ts'
import { captureLog } from '../support/captured-log.ts'
import { startTestDatabase, type TestDatabase } from '../support/database.ts'

const secrets = { ...wireSecrets, EDGE_SIGNING_KEY: 'settings-tests-settings-tests-00' }

describe('settings of the Data API', () => {
  let database: TestDatabase
  let built: BuiltApp
  let key: CreatedApiKey
  let edge: NodeEdge | undefined

  beforeAll(async () => {
    database = await startTestDatabase()
    built = (await loadBuiltApp(wireFolder)).built
  })
  afterAll(async () => {
    await edge?.close()
    await database?.close()
  })

  async function serve(
    settings: Partial<DataApiConfig>,
    scripts: BuiltApp['functions'] = {},
    edgeSettings: EdgeSettingsInput = {},
  ): Promise<NodeEdge> {
    await edge?.close()
    const dataApi = built.definition.dataApi
    if (dataApi === undefined) throw new Error('the app has a Data API')
    const definition = { ...built.definition, dataApi: { ...dataApi, ...settings } }
    edge = await startNodeEdge({
      built: { ...built, definition, functions: { ...built.functions, ...scripts } },
      uri: database.uri,
      port: 0,
      secrets,
      settings: edgeSettings,
      log: captureLog,
    })
    const keys = new ApiKeyStore(openUserState(edge.runtime.options.stateClient, wireApp))
    key = await keys.createServerKey(`settings-${new ObjectId().toHexString()}`, {}, new Date())
    return edge
  }

  const target = { dataSource: 'Cluster0', database: 'wire', collection: 'notes' }
  const act = (name: string, fields: object, headers: Record<string, string> = {}, query = '') =>
    post(`${edge?.url}/app/${wireApp}/endpoint/data/v1/action/${name}${query}`, { ...target, ...fields }, headers)
  const note = (owner: string) => ({ document: { owner, text: 'mine' } })
  const anyId = new ObjectId().toHexString()

  it('ends a function that runs longer than the edge lets it', async () => {
    await serve({}, { nothing: () => () => new Promise(() => {}) }, { functionTimeoutSeconds: 0.05 })
    const response = await fetch(`${edge?.url}/app/${wireApp}/endpoint/nothing`)
    expect([response.status, await response.json()]).toMatchObject([
      504,
      { error: 'execution time limit exceeded', error_code: 'ExecutionTimeLimitExceeded' },
    ])
  })

  it('runs as the system without credentials, past the rules', async () => {
    await serve({ run_as_system: true })
    expect((await act('insertOne', note(anyId))).status).toBe(201)
    expect((await act('insertOne', note(anyId), { apiKey: 'nope' })).status).toBe(201)
  })

  it("keeps the edge's own database, and by default rules the server's, from every client", async () => {
    await serve({ run_as_system: true })
    const refused = (database: string, collection: string) => ({
      status: 403,
      body: expect.objectContaining({
        error: `no rule exists for namespace '${database}.${collection}'`,
        error_code: 'NoMatchingRuleFound',
      }),
    })
    for (const collection of ['api_keys', 'users', 'identities', 'sessions']) {
      const own = { database: 'atlas_edge', collection }
      expect(await act('find', own)).toMatchObject(refused('atlas_edge', collection))
      expect(await act('insertOne', { ...own, document: {} })).toMatchObject(refused('atlas_edge', collection))
      expect(await act('aggregate', { ...own, pipeline: [] })).toMatchObject(refused('atlas_edge', collection))
    }
    await serve({})
    for (const database of ['atlas_edge', 'admin', 'config', 'local'])
      expect(await act('find', { database, collection: 'users' }, { apiKey: key.key })).toMatchObject(
        refused(database, 'users'),
      )
  })

  it('runs as a fixed user without credentials, under the rules', async () => {
    await serve({})
    const userId = await keyUserId()
    await serve({ run_as_user_id: userId })
    expect((await act('insertOne', note(userId))).status).toBe(201)
    expect((await act('insertOne', note(anyId))).status).toBe(400)
  })

  it('runs as whom a script names, or as the system', async () => {
    await serve({})
    const userId = await keyUserId()
    await serve({ run_as_user_id_script: 'who' }, { who: () => () => userId })
    expect((await act('insertOne', note(userId))).status).toBe(201)
    expect((await act('insertOne', note(anyId))).status).toBe(400)
    await serve({ run_as_user_id_script: 'who' }, { who: () => () => ({ runAsSystem: true }) })
    expect((await act('insertOne', note(anyId))).status).toBe(201)
  })

  it('gives the script the request, as it gives it to the functions of endpoints', async () => {
    const seen: unknown[] = []
    const who = () => (request: { query: object; headers: Record<string, string[]>; body: { text(): string } }) => {
      seen.push({ query: request.query, type: request.headers['content-type'], body: JSON.parse(request.body.text()) })
      return { runAsSystem: true }
    }
    await serve(
      { run_as_user_id_script: 'who', validation_method: 'SECRET_AS_QUERY_PARAM', secret_name: 'hook' },
      { who },
    )
    expect((await act('findOne', {}, {}, '?auth-token=a&secret=Hook5ecret')).status).toBe(200)
    expect(seen).toEqual([{ query: { 'auth-token': 'a' }, type: ['application/json'], body: target }])
  })

  it('wants the secret of the query beside the credentials', async () => {
    await serve({ validation_method: 'SECRET_AS_QUERY_PARAM', secret_name: 'hook' })
    const refused = { status: 401, body: expect.objectContaining({ error_code: 'IncomingWebhookAuthFailed' }) }
    expect(await act('findOne', {}, { apiKey: key.key })).toEqual(refused)
    expect((await act('findOne', {}, { apiKey: key.key }, '?secret=Hook5ecret')).status).toBe(200)
    expect((await act('findOne', {}, {}, '?secret=Hook5ecret')).status).toBe(400)
  })

  it('refuses everything while the secret is not set', async () => {
    await serve({ validation_method: 'VERIFY_PAYLOAD', secret_name: 'nobody-set-me' })
    expect((await act('findOne', {}, { apiKey: key.key, 'Endpoint-Signature': 'sha256=00' })).status).toBe(401)
  })

  it('evaluates can_evaluate', async () => {
    await serve({ can_evaluate: { '%%user.type': 'normal' } })
    expect(await act('findOne', {}, { apiKey: key.key })).toMatchObject({
      status: 400,
      body: { error: 'rule not matched for function "findOne"', error_code: 'FunctionExecutionError' },
    })
    expect((await act('findOne', {}, { jwtTokenString: await signJwt(anyId) })).status).toBe(200)
  })

  it('makes no user where that is off', async () => {
    await serve({ create_user_on_auth: false })
    const jwtTokenString = await signJwt(new ObjectId().toHexString())
    expect(await act('findOne', {}, { jwtTokenString })).toMatchObject({
      status: 401,
      body: { error: 'invalid session: error finding user for endpoint', error_code: 'InvalidSession' },
    })
  })

  it('answers EJSON where that is the return type', async () => {
    await serve({ return_type: 'EJSON' })
    const { body } = await act('deleteMany', { filter: { owner: key.id } }, { apiKey: key.key })
    expect(body).toEqual({ deletedCount: { $numberInt: '0' } })
  })

  it.each([
    ['it is disabled', { disabled: true }],
    ['the version is not enabled', { versions: ['beta'] }],
  ])('is not there while %s', async (_, settings) => {
    await serve(settings)
    expect(await act('findOne', {}, { apiKey: key.key })).toEqual({ status: 404, body: undefined })
  })

  async function keyUserId(): Promise<string> {
    const login = await post(`${edge?.url}/api/client/v2.0/app/${wireApp}/auth/providers/api-key/login`, {
      key: key.key,
    })
    return login.body.user_id
  }
})
