import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadBuiltApp } from '../../cli/built-app.ts'
import { type NodeEdgeOptions, startNodeEdge } from '../../edge/node.ts'
import { wireApp, wireFolder, wireRedirect, wireSecrets, wireSigningKey } from '../contract/edge-under-test.ts'
import { captureLog } from '../support/captured-log.ts'
import { startTestDatabase, type TestDatabase } from '../support/database.ts'

const client = `/api/client/v2.0/app/${wireApp}`
const callback = '/api/client/v2.0/auth/callback'
const overHttp = 'SameSite=Lax'
const overHttps = 'SameSite=None; Secure'

describe('what a client is told of where it is', () => {
  let database: TestDatabase
  let options: NodeEdgeOptions
  beforeAll(async () => {
    database = await startTestDatabase()
    const { built } = await loadBuiltApp(wireFolder)
    const secrets = { ...wireSecrets, EDGE_SIGNING_KEY: wireSigningKey }
    options = { built, uri: database.uri, port: 0, secrets, log: captureLog }
  })
  afterAll(() => database?.close())

  type Case = [
    string,
    Partial<NodeEdgeOptions>,
    forwarded: string | undefined,
    origin: string | undefined,
    cookie: string,
  ]
  it.each<Case>([
    ['is its own address without a proxy', {}, undefined, undefined, overHttp],
    ['ignores what a client says of a proxy', {}, 'https', undefined, overHttp],
    ['follows the proxy that is trusted', { trustProxy: true }, 'https', 'https:', overHttps],
    ['believes the proxy next to it', { trustProxy: true }, 'https, http', undefined, overHttp],
    ['takes no scheme but those of the web', { trustProxy: true }, 'javascript', undefined, overHttp],
    [
      'is what the operator says, whatever the proxy says',
      { origin: 'https://edge.example.com/', trustProxy: true },
      'http',
      'https://edge.example.com',
      overHttps,
    ],
  ])('%s', async (_, settings, forwarded, origin, cookie) => {
    const edge = await startNodeEdge({ ...options, ...settings })
    try {
      const own = origin === undefined ? edge.url : origin === 'https:' ? edge.url.replace(/^http:/, 'https:') : origin
      const init = { headers: forwarded === undefined ? {} : { 'X-Forwarded-Proto': forwarded } }
      const location = (await (await fetch(`${edge.url}${client}/location`, init)).json()) as Record<string, string>
      const query = new URLSearchParams({ redirect: wireRedirect })
      const start = await fetch(`${edge.url}${client}/auth/providers/oauth2-google/login?${query}`, {
        ...init,
        redirect: 'manual',
      })
      expect([
        location.hostname,
        location.ws_hostname,
        new URL(start.headers.get('location') ?? '').searchParams.get('redirect_uri'),
        start.headers.get('set-cookie')?.replace(/^atlas_edge_flow_\w+=[\w-]+; /, ''),
      ]).toEqual([
        own,
        own.replace(/^http/, 'ws'),
        `${own}${callback}`,
        `Max-Age=600; Path=${callback}; HttpOnly; ${cookie}`,
      ])
      const page = await fetch(`${edge.url}/health`, { headers: { ...init.headers, Origin: own } })
      expect(page.status).toBe(200)
    } finally {
      await edge.close()
    }
  })

  it.each([
    'edge.example.com',
    'ftp://edge.example.com',
    'https://edge.example.com/path',
    'https://u@edge.example.com',
  ])('is never %s', async (origin) => {
    await expect(startNodeEdge({ ...options, origin })).rejects.toThrow(TypeError)
  })
})
