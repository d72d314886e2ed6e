import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import type { EdgeEnv } from '../../../edge/edge-env.ts'
import { cors } from '../../../edge/middleware/cors.ts'

const credentials = 'apiKey, api-key, email, password, jwtTokenString'

function appWith(allowedOrigins: string[], allowLoopback = false) {
  const app = new Hono<EdgeEnv>()
  app.use(cors({ allowedOrigins, allowLoopback }))
  app.get('/own', (c) => c.text('ok', 200, { 'Access-Control-Allow-Origin': 'https://chosen.example' }))
  app.all('*', (c) => c.text('ok'))
  return app
}

async function ask(app: Hono<EdgeEnv>, method: string, origin?: string, path = '/') {
  const url = `https://edge.example${path}`
  const response = await app.request(url, { method, headers: origin === undefined ? {} : { Origin: origin } })
  return {
    status: response.status,
    allowed: response.headers.get('access-control-allow-origin'),
    credentials: response.headers.get('access-control-allow-headers')?.includes(credentials) ?? false,
    vary: response.headers.get('vary'),
  }
}

describe('cors', () => {
  it.each([
    [
      'no list, any origin',
      [],
      'GET',
      'https://a.example',
      { status: 200, allowed: '*', credentials: false, vary: null },
    ],
    ['no list, no origin', [], 'GET', undefined, { status: 200, allowed: '*', credentials: false, vary: null }],
    [
      'no list, a preflight',
      [],
      'OPTIONS',
      'https://a.example',
      { status: 204, allowed: '*', credentials: false, vary: 'Origin' },
    ],
    [
      'a list that names the origin',
      ['https://a.example'],
      'GET',
      'https://a.example',
      { status: 200, allowed: 'https://a.example', credentials: false, vary: 'Origin' },
    ],
    [
      'a list, a preflight of a named origin',
      ['https://a.example'],
      'OPTIONS',
      'https://a.example',
      { status: 204, allowed: 'https://a.example', credentials: true, vary: 'Origin' },
    ],
    [
      'a list, another origin',
      ['https://a.example'],
      'GET',
      'https://b.example',
      { status: 403, allowed: null, credentials: false, vary: 'Origin' },
    ],
    [
      'a list, a preflight of another origin',
      ['https://a.example'],
      'OPTIONS',
      'https://b.example',
      { status: 403, allowed: null, credentials: false, vary: 'Origin' },
    ],
    [
      'a list, another port of a named host',
      ['https://a.example'],
      'GET',
      'https://a.example:444',
      { status: 403, allowed: null, credentials: false, vary: 'Origin' },
    ],
    [
      'a list, no origin',
      ['https://a.example'],
      'GET',
      undefined,
      { status: 200, allowed: null, credentials: false, vary: 'Origin' },
    ],
    [
      'a list, the edge itself',
      ['https://a.example'],
      'GET',
      'https://edge.example',
      { status: 200, allowed: 'https://edge.example', credentials: false, vary: 'Origin' },
    ],
    [
      'a list, a page on this machine',
      ['https://a.example'],
      'GET',
      'http://localhost:5173',
      { status: 403, allowed: null, credentials: false, vary: 'Origin' },
    ],
  ])('%s', async (_, list, method, origin, expected) => {
    expect(await ask(appWith(list), method, origin)).toEqual(expected)
  })

  it.each([
    'http://localhost:5173',
    'http://127.0.0.1:3000',
    'http://[::1]:80',
    'tauri://localhost',
    'http://tauri.localhost',
  ])('lets %s send credential headers in development, whatever the list', async (origin) => {
    expect(await ask(appWith(['https://a.example'], true), 'OPTIONS', origin)).toEqual({
      status: 204,
      allowed: origin,
      credentials: true,
      vary: 'Origin',
    })
  })

  it.each(['http://localhost.example', 'https://127.0.0.1.example', 'null'])(
    'takes %s for no page of this machine',
    async (origin) => {
      expect((await ask(appWith(['https://a.example'], true), 'GET', origin)).status).toBe(403)
    },
  )

  it('leaves what a function set', async () => {
    expect((await ask(appWith([]), 'GET', 'https://a.example', '/own')).allowed).toBe('https://chosen.example')
  })
})
