import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, createServer as createNetServer, type Server as NetServer } from 'node:net'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TemporaryFolder, temporaryFolder } from '../support/app-folders.ts'
import { type ServedApp, serveApp } from '../support/served-app.ts'
import { post } from './credentials.ts'
import { ownHosts } from './edge-under-test.ts'
import { rows } from './function-runtime-rows.ts'

const app = 'functions-abcde'
const database = `functions_${randomBytes(4).toString('hex')}`
/** Long enough for every row on a busy machine, short enough to wait for. */
const functionTimeoutSeconds = 5

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('latin1')
}

/** What functions call: says what it was asked. */
function startEcho(): Promise<Server> {
  const server = createServer(async (request, response) => {
    const body = await textOf(request)
    if (request.url === '/redirect') return response.writeHead(302, { Location: '/echo' }).end()
    // What an HTTP client adds on its own differs from host to host.
    const { authorization, cookie, 'content-type': type, 'x-a': other } = request.headers
    const headers = { authorization, cookie, type, other }
    response.setHeader('Set-Cookie', ['a=1; Path=/', 'b=2'])
    response.writeHead(request.url === '/missing' ? 404 : 200, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify({ method: request.method, url: request.url, headers, body }))
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}

/** A server of mail as far as a client's goodbye, after which it closes the connection. */
function startMail(): Promise<NetServer> {
  const server = createNetServer((socket) => {
    socket.write('220 hello\r\n')
    socket.on('data', (line) => {
      if (line.toString().startsWith('QUIT')) socket.end('221 bye\r\n')
      else socket.write('250 ok\r\n')
    })
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}

function portOf(server: NetServer): number {
  return (server.address() as AddressInfo).port
}

function appFiles(): Record<string, unknown> {
  const files: Record<string, unknown> = {
    'realm_config.json': { config_version: 20210101, app_id: app, name: 'functions', environment: 'testing' },
    'auth/providers.json': { 'anon-user': { name: 'anon-user', type: 'anon-user', disabled: false } },
    'data_sources/mongodb-atlas/config.json': { name: 'mongodb-atlas', type: 'mongodb-atlas', config: {} },
    'data_sources/lake/config.json': { name: 'lake', type: 'datalake', config: {} },
    'environments/testing.json': { values: { DB: database } },
    'values/plain.json': { name: 'plain', from_secret: false, value: { a: [1] } },
    'values/token.json': { name: 'token', from_secret: true, value: 'tokenSecret' },
    'services/sms/config.json': { name: 'sms', type: 'twilio', config: { sid: 'AC1' }, version: 1 },
    'services/cloud/config.json': { name: 'cloud', type: 'aws', config: {}, version: 1 },
    'http_endpoints/web/config.json': { name: 'web', type: 'http', config: {}, version: 1 },
  }
  const manifest = []
  for (const { name, source, helpers = {}, config } of rows) {
    for (const [file, text] of Object.entries({ [name]: source, ...helpers })) {
      files[`functions/${file}.js`] = text
      manifest.push({ name: file, private: file !== name, run_as_system: true, ...(file === name ? config : {}) })
    }
  }
  return { ...files, 'functions/config.json': manifest }
}

describe.each(ownHosts)('the function runtime on %s', (kind) => {
  let folder: TemporaryFolder
  let echo: Server
  let mail: NetServer
  let served: ServedApp
  let headers: Record<string, string>
  let endless: Promise<unknown>

  const call = (name: string, args: unknown[] = []) => {
    const places = { echo: `http://127.0.0.1:${portOf(echo)}`, smtp: String(portOf(mail)) }
    const filled = JSON.stringify(args).replace('{{echo}}', places.echo).replace('{{smtp}}', places.smtp)
    return post(
      `${served.url}/api/client/v2.0/app/${app}/functions/call`,
      { name, arguments: JSON.parse(filled) },
      headers,
    )
  }

  beforeAll(async () => {
    echo = await startEcho()
    mail = await startMail()
    folder = await temporaryFolder(appFiles())
    served = await serveApp(kind, folder.dir, {
      secrets: { tokenSecret: 'hush' },
      settings: { functionTimeoutSeconds },
    })
    const login = await post(`${served.url}/api/client/v2.0/app/${app}/auth/providers/anon-user/login`, {})
    headers = { Authorization: `Bearer ${login.body.access_token}` }
    endless = call('neverEnds')
  })

  afterAll(async () => {
    if (served !== undefined) {
      const client = new MongoClient(served.uri)
      await client.db(database).dropDatabase()
      await client.close()
    }
    await served?.close()
    await folder?.remove()
    echo?.closeAllConnections()
    echo?.close()
    mail?.close()
  })

  for (const { name, what, args, refused, answers } of rows)
    it.skipIf(name === 'neverEnds')(what, async () => {
      const { status, body } = await call(name, args)
      if (refused === undefined) expect({ status, body }).toEqual({ status: 200, body: answers })
      else {
        const [code, error] = refused
        expect({ status, body }).toEqual({
          status: code === 'FunctionNotFound' ? 404 : 400,
          body: { error, error_code: code, link: expect.stringContaining('/logs?co_id=') },
        })
      }
    })

  it('ends what runs longer than the time limit', async () => {
    expect(await endless).toEqual({
      status: 504,
      body: {
        error: 'execution time limit exceeded',
        error_code: 'ExecutionTimeLimitExceeded',
        link: expect.stringContaining('/logs?co_id='),
      },
    })
  })

  it('logs under the request id that the link of an error carries', async () => {
    const { body } = await call('throwsError')
    const requestId = new URL(body.link).searchParams.get('co_id')
    await expect
      .poll(() => served.log.filter((entry) => entry.requestId === requestId).map(({ logs, error }) => [logs, error]))
      .toEqual([[['before'], 'no such order']])
  })
})
