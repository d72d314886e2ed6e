import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { MongoClient, ObjectId } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dataApiApp, type Preset } from '../../cli/app-folder/data-api-app.ts'
import { ApiKeyStore } from '../../runtime/users/api-key-store.ts'
import { openUserState } from '../../runtime/users/state.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/app-folders.ts'
import { type ServedApp, serveApp } from '../support/served-app.ts'
import { send } from './contract-case.ts'
import { post } from './credentials.ts'
import { ownHosts } from './edge-under-test.ts'

/** Clients as their public code is written (spec: real apps 4), against the app folder that `cli init` makes for them. */

const app = 'data-abcde'
const database = `clients_${randomBytes(4).toString('hex')}`
const dataSource = 'Sandbox'
const page = 'https://shop.example'
const hexId = '64ff00000000000000000001'

/** What `cli init` writes, served to the pages of one origin. */
function initFolder(preset: Preset): Promise<TemporaryFolder> {
  const files = dataApiApp({ appId: app, dataSource, preset })
  const root = { ...Object(files.get('realm_config.json')), allowed_request_origins: [page] }
  return temporaryFolder({ ...Object.fromEntries(files), 'realm_config.json': root })
}

async function newKey(client: MongoClient): Promise<string> {
  const keys = new ApiKeyStore(openUserState(client, app))
  return (await keys.createServerKey(new ObjectId().toHexString(), {}, new Date())).key
}

/** Requests of one connection, one after the other, as a microcontroller sends them. */
function talk(url: string, requests: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    let heard = ''
    let asked = 0
    const ask = () => {
      const next = requests[asked++]
      if (next === undefined) socket.end()
      else socket.write(next)
    }
    socket.on('connect', ask)
    socket.on('data', (chunk) => {
      heard += chunk.toString('utf8')
      // Each answer is complete with its last brace: bodies of these requests nest none.
      if (heard.split('\r\n\r\n').length > asked && heard.endsWith('}')) ask()
    })
    socket.on('close', () => resolve(heard))
    socket.on('error', reject)
  })
}

describe.each(ownHosts)('clients without an exported folder on %s', (kind) => {
  let folder: TemporaryFolder
  let served: ServedApp
  let client: MongoClient
  let key: string

  beforeAll(async () => {
    folder = await initFolder('readAndWriteAll')
    served = await serveApp(kind, folder.dir)
    client = new MongoClient(served.uri)
    key = await newKey(client)
  })
  afterAll(async () => {
    await client?.db(database).dropDatabase()
    await client?.close()
    await served?.close()
    await folder?.remove()
  })

  describe.each(['beta', 'v1'])('%s', (version) => {
    const url = (action: string) => `${served.url}/app/${app}/endpoint/data/${version}/action/${action}`
    const target = (collection: string) => ({ dataSource, database, collection })
    const call = (action: string, fields: object, headers: Record<string, string> = { 'api-key': key }) =>
      post(url(action), { ...target(version), ...fields }, headers)
    const rows = async (...documents: object[]) => {
      await client.db(database).collection(version).deleteMany({})
      if (documents.length > 0) await client.db(database).collection(version).insertMany(documents)
    }

    it('answers the calls of an app known by its URL, key and cluster name in their exact shapes', async () => {
      await rows()
      const answers = [
        await call('insertOne', { document: { _id: { $oid: hexId }, name: 'a' } }),
        await call('insertMany', { documents: [{ _id: 'b', name: 'b' }] }),
        await call('findOne', { filter: { _id: { $oid: hexId } } }),
        await call('find', { filter: { name: 'b' } }),
        await call('updateOne', { filter: { _id: { $oid: hexId } }, update: { $set: { name: 'c' } } }),
        await call('updateMany', { filter: { _id: 'new' }, update: { $set: { name: 'd' } }, upsert: true }),
        await call('replaceOne', { filter: { _id: 'b' }, replacement: { name: 'e' } }),
        await call('aggregate', { pipeline: [{ $group: { _id: null, n: { $sum: 1 } } }] }),
        await call('deleteOne', { filter: { _id: { $oid: hexId } } }),
        await call('deleteMany', { filter: { name: { $regex: '^D', $options: 'i' } } }),
        await call('findOne', { filter: { _id: { $oid: hexId } } }),
      ]
      expect(answers.map(({ status, body }) => [status, body])).toEqual([
        [201, { insertedId: hexId }],
        [201, { insertedIds: ['b'] }],
        [200, { document: { _id: hexId, name: 'a' } }],
        [200, { documents: [{ _id: 'b', name: 'b' }] }],
        [200, { matchedCount: 1, modifiedCount: 1 }],
        [200, { matchedCount: 0, modifiedCount: 0, upsertedId: 'new' }],
        [200, { matchedCount: 1, modifiedCount: 1 }],
        [200, { documents: [{ _id: null, n: 3 }] }],
        [200, { deletedCount: 1 }],
        [200, { deletedCount: 1 }],
        [200, { document: null }],
      ])
    })

    it.each(['api-key', 'API-Key', 'api-Key', 'apiKey', 'APIKEY'])('takes the key in %s', async (name) => {
      await rows({ _id: 1 })
      const answer = await send(url('find'), 'POST', { [name]: key }, Buffer.from(JSON.stringify(target(version))))
      expect([answer.status, answer.text]).toEqual([200, '{"documents":[{"_id":1}]}'])
    })

    it.each<[string, Record<string, string>]>([
      ['a wish of all headers', { 'Access-Control-Request-Headers': '*' }],
      ['a list of headers', { 'Access-Control-Request-Headers': 'Content-Type, api-key' }],
      ['an answer header in the request', { 'Access-Control-Allow-Origin': '*' }],
      ['Accept: application/json', { Accept: 'application/json' }],
      ['Accept: */*', { Accept: '*/*' }],
      ['no Accept', {}],
      ['the headers of the console', { 'Content-Type': 'application/json', 'Access-Control-Request-Headers': '*' }],
      ["curl's form type", { 'Content-Type': 'application/x-www-form-urlencoded' }],
    ])('answers plain JSON to %s', async (_, headers) => {
      await rows({ _id: 1, at: new Date(0) })
      const body = Buffer.from(JSON.stringify(target(version)))
      const answer = await send(url('findOne'), 'POST', { 'api-key': key, ...headers }, body)
      expect([answer.status, answer.headers['content-type'], answer.text]).toEqual([
        200,
        'application/json',
        '{"document":{"_id":1,"at":"1970-01-01T00:00:00.000Z"}}',
      ])
    })

    it('reads limits as they are sent: none and null are 1000, more is allowed, findOne ignores it', async () => {
      await rows(...Array.from({ length: 1_200 }, (_, n) => ({ _id: n })))
      const lengths = []
      for (const limit of [undefined, null, 30_000, 5]) {
        const { body } = await call('find', { projection: { name: 2 }, limit })
        lengths.push(body.documents.length)
      }
      expect(lengths).toEqual([1_000, 1_000, 1_200, 5])
      expect((await call('findOne', { limit: 30, sort: { _id: -1 } })).body).toEqual({ document: { _id: 1_199 } })
    })

    it('serves a page of a listed origin that sends its key, and no page of another', async () => {
      await rows({ _id: 1 })
      const asked = 'api-key, content-type, access-control-request-headers, access-control-allow-origin'
      const preflight = (Origin: string) =>
        fetch(url('find'), {
          method: 'OPTIONS',
          headers: { Origin, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': asked },
        })
      const allowed = await preflight(page)
      const names = allowed.headers.get('access-control-allow-headers')?.toLowerCase().split(', ')
      expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([204, page])
      expect(names).toEqual(expect.arrayContaining(asked.split(', ')))
      const strange = await preflight('https://other.example')
      expect(strange.headers.get('access-control-allow-origin')).toBeNull()
      const body = JSON.stringify(target(version))
      const call = (Origin: string) => fetch(url('find'), { method: 'POST', headers: { Origin, 'api-key': key }, body })
      const answer = await call(page)
      expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, page])
      expect((await call('https://other.example')).status).toBe(403)
    })

    it('takes the token of a login by key as Bearer', async () => {
      await rows({ _id: 1 })
      const login = `${served.url}/api/client/v2.0/app/${app}/auth/providers/api-key/login`
      const { status, body } = await post(login, { key })
      expect(status).toBe(200)
      const headers = { Authorization: `Bearer ${body.access_token}` }
      expect(await call('findOne', {}, headers)).toEqual({ status: 200, body: { document: { _id: 1 } } })
    })

    it('answers small requests of one connection by their length, unchunked and without a redirect', async () => {
      await rows({ _id: 1 })
      const body = JSON.stringify({ ...target(version), projection: { _id: 1 } })
      const { host, pathname } = new URL(url('find'))
      const head = [
        `POST ${pathname} HTTP/1.1`,
        `Host: ${host}`,
        `api-key: ${key}`,
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
      ]
      const request = `${head.join('\r\n')}\r\n\r\n${body}`
      const heard = await talk(served.url, [request, request])
      const answers = heard.split('HTTP/1.1 ').slice(1)
      expect(answers.map((answer) => answer.split('\r\n')[0])).toEqual(['200 OK', '200 OK'])
      for (const answer of answers) {
        expect(answer.toLowerCase()).toContain('\r\ncontent-length: 25\r\n')
        expect(answer.toLowerCase()).not.toContain('transfer-encoding')
        expect(answer.endsWith('\r\n\r\n{"documents":[{"_id":1}]}')).toBe(true)
      }
    })
  })
})

describe('the preset readAll', () => {
  let folder: TemporaryFolder
  let served: ServedApp
  let client: MongoClient
  beforeAll(async () => {
    folder = await initFolder('readAll')
    served = await serveApp('node', folder.dir)
    client = new MongoClient(served.uri)
  })
  afterAll(async () => {
    await client?.close()
    await served?.close()
    await folder?.remove()
  })

  it.each(['beta', 'v1'])('%s: reads, and refuses every write', async (version) => {
    const key = await newKey(client)
    const call = async (action: string, fields: object) => {
      const url = `${served.url}/app/${app}/endpoint/data/${version}/action/${action}`
      const body = Buffer.from(JSON.stringify({ dataSource, database, collection: 'read', ...fields }))
      const { status, text } = await send(url, 'POST', { apiKey: key }, body)
      return [status, text]
    }
    expect(await call('find', {})).toEqual([200, '{"documents":[]}'])
    expect(await call('insertOne', { document: { a: 1 } })).toEqual([
      400,
      expect.stringContaining('insert not permitted'),
    ])
    expect(await call('updateOne', { filter: {}, update: { $set: { a: 1 } }, upsert: true })).toEqual([
      400,
      expect.stringContaining('insert not permitted'),
    ])
  })
})
