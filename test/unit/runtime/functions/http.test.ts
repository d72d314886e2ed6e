import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isPrivateHost } from '../../../../runtime/functions/http/address.ts'
import { digestAuthorization } from '../../../../runtime/functions/http/digest.ts'
import { caseInsensitiveHeaders } from '../../../../runtime/functions/http/headers.ts'
import { startApp, userCaller } from './app.ts'

const client = new MongoClient('mongodb://127.0.0.1:1')
let server: Server
let origin = ''

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const digestChallenge = 'realm="the \\"realm\\"", qop="auth,auth-int", nonce="n/1=", opaque="o", algorithm=MD5'
const md5 = (text: string) => createHash('md5').update(text).digest('hex')

/** RFC 7616 3.4.1 by the book, for the user "u" with the password "p:w". */
function answersDigest(request: IncomingMessage): boolean {
  const header = request.headers.authorization ?? ''
  const field = (name: string) => new RegExp(`[ ,]${name}="?([^",]*)"?`).exec(header)?.[1] ?? ''
  const [nc, cnonce, uri] = ['nc', 'cnonce', 'uri'].map(field)
  const secret = md5('u:the "realm":p:w')
  return (
    uri === request.url &&
    field('response') === md5(`${secret}:n/1=:${nc}:${cnonce}:auth:${md5(`${request.method}:${uri}`)}`)
  )
}

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const body = await bodyOf(request)
    if (request.url === '/redirect') response.writeHead(302, { Location: '/echo' }).end()
    else if (request.url === '/to-metadata') response.writeHead(302, { Location: 'http://169.254.169.254/' }).end()
    else if (request.url === '/to-digest') response.writeHead(307, { Location: '/digest?q=1' }).end()
    else if (request.url?.startsWith('/digest') && !answersDigest(request))
      response
        .writeHead(401, { 'WWW-Authenticate': ['Basic realm="b"', `Digest ${digestChallenge}`] })
        .end('who are you')
    else if (request.url === '/loop') response.writeHead(302, { Location: '/loop' }).end()
    else {
      const { host: _, connection: __, ...headers } = request.headers
      response.setHeader('Set-Cookie', ['a=1; Path=/', 'b=2'])
      response.writeHead(request.url === '/missing' ? 404 : 200, { 'Content-Type': 'application/json' })
      response.end(JSON.stringify({ method: request.method, url: request.url, headers, body }))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(async () => {
  await client.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

/** Runs `context.http.<method>(args)` and hands back a plain view of the answer. */
async function request(method: string, args: string, allowPrivateHosts = true): Promise<Record<string, unknown>> {
  const source = `exports = async (origin) => {
    const r = await context.http.${method}(${args})
    return { status: r.status, statusCode: r.statusCode, cookies: r.cookies, type: r.headers['Content-Type'],
      length: r.contentLength === r.body.value().length, body: r.body.text() }
  }`
  const { runtime } = startApp(client, { functions: { f: source }, options: { fetch, allowPrivateHosts } })
  return (await runtime.callFunction('f', [origin], userCaller(), 'client')) as Record<string, unknown>
}

const echoed = async (method: string, args: string) => JSON.parse(String((await request(method, args)).body))

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: { code: string; message: string }) => ({ code: error.code, message: error.message }),
  )

describe('context.http', () => {
  it('answers with status, headers, cookies and a body', async () => {
    expect(await request('get', '{ url: origin + "/x" }')).toMatchObject({
      status: '200 OK',
      statusCode: 200,
      cookies: { a: '1', b: '2' },
      type: ['application/json'],
      length: true,
    })
  })

  it('resolves for any status', async () => {
    expect(await request('get', '{ url: origin + "/missing" }')).toMatchObject({ status: '404 Not Found' })
  })

  it.each(['get', 'post', 'put', 'patch', 'delete'])('sends %s', async (method) => {
    expect((await echoed(method, '{ url: origin }')).method).toBe(method.toUpperCase())
  })

  it('composes the URL of its parts, with query, headers, cookies and basic credentials', async () => {
    const { url, headers } = await echoed(
      'get',
      `{ scheme: 'http', host: origin.slice(7), path: '/p', query: { a: ['1', '2'], b: ['x y'] },
         headers: { 'X-One': ['1', '2'] }, cookies: { c: 'v' }, username: 'u', password: 'p' }`,
    )
    expect(url).toBe('/p?a=1&a=2&b=x+y')
    expect(headers).toMatchObject({ 'x-one': '1, 2', cookie: 'c=v', authorization: `Basic ${btoa('u:p')}` })
  })

  it('sends strings and binaries as they are, objects as EJSON, forms as multipart', async () => {
    expect((await echoed('post', '{ url: origin, body: "text" }')).body).toBe('text')
    expect((await echoed('post', '{ url: origin, body: BSON.Binary.fromHex("6869") }')).body).toBe('hi')
    const json = await echoed('post', '{ url: origin, body: { n: 1 }, encodeBodyAsJSON: true }')
    expect([json.body, json.headers['content-type']]).toEqual(['{"n":{"$numberLong":"1"}}', 'application/json'])
    const form = await echoed('post', '{ url: origin, form: { a: "1" } }')
    expect(form.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/)
    expect(form.body).toContain('name="a"\r\n\r\n1\r\n')
  })

  it('follows redirects only when told to', async () => {
    expect(await request('get', '{ url: origin + "/redirect" }')).toMatchObject({ statusCode: 302 })
    expect((await echoed('get', '{ url: origin + "/redirect", followRedirects: true }')).url).toBe('/echo')
    expect((await echoed('post', '{ url: origin + "/redirect", body: "x", followRedirects: true }')).method).toBe('GET')
    expect(await failure(request('get', '{ url: origin + "/loop", followRedirects: true }'))).toEqual({
      code: 'HTTPError',
      message: 'context.http: stopped after 10 redirects',
    })
  })

  it.each([
    ['get', '{ url: origin + "/digest?q=1", username: "u", password: "p:w", digestAuth: true }'],
    ['post', '{ url: origin + "/digest", username: "u", password: "p:w", digestAuth: true, body: "b" }'],
    ['get', '{ url: origin.replace("//", "//u:p%3Aw@") + "/digest", digestAuth: true }'],
    [
      'patch',
      '{ url: origin + "/to-digest", username: "u", password: "p:w", digestAuth: true, followRedirects: true }',
    ],
  ])('answers a digest challenge of %s %s', async (method, args) => {
    const seen = await echoed(method, args)
    expect(seen).toMatchObject({ method: method.toUpperCase(), body: method === 'post' ? 'b' : '' })
  })

  it('hands on the refusal of wrong digest credentials, and sends none unasked', async () => {
    const wrong = '{ url: origin + "/digest", username: "u", password: "x", digestAuth: true }'
    expect(await request('get', wrong)).toMatchObject({ statusCode: 401, body: 'who are you' })
    const open = '{ url: origin + "/open", username: "u", password: "p:w", digestAuth: true }'
    expect((await echoed('get', open)).headers.authorization).toBeUndefined()
    expect(await request('get', '{ url: origin + "/digest", digestAuth: true }')).toMatchObject({ statusCode: 401 })
  })

  const rfc7616 =
    'qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", realm="http-auth@example.org"'
  it.each([
    [
      `Digest ${rfc7616}, algorithm=SHA-256`,
      '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
      'Circle of Life',
      'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
    ],
    [
      `Basic realm="x", Digest ${rfc7616}, algorithm=MD5`,
      '8ca523f5e9506fed4657c9700eebdbec',
      'Circle of Life',
      'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
    ],
    [
      'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
      '6629fae49393a05397450978507c4ef1',
      'Circle Of Life',
      '0a4f113b',
    ],
  ])('computes the digests of the RFCs: %s', (challenge, response, password, clientNonce) => {
    const request = { method: 'GET', url: new URL('http://www.example.org/dir/index.html') }
    const header = digestAuthorization(challenge, request, { username: 'Mufasa', password }, clientNonce)
    expect(/response="([0-9a-f]+)"/.exec(header ?? '')?.[1]).toBe(response)
  })

  it.each([
    'Basic realm="x"',
    'Digest realm="x"',
    'Digest nonce="n", qop="auth-int"',
    'Digest nonce="n", algorithm=X',
    '',
  ])('does not answer the challenge %s', (challenge) => {
    const request = { method: 'GET', url: new URL('http://a/') }
    expect(digestAuthorization(challenge, request, { username: 'u', password: 'p' })).toBeUndefined()
  })

  const refused: [string, string][] = [
    ['{}', 'context.http: the URL is not valid'],
    ['{ url: "ftp://example.com" }', 'context.http: the scheme "ftp" is not supported'],
    ['{ url: "file:///etc/passwd" }', 'context.http: the scheme "file" is not supported'],
    [
      '{ url: origin, body: { a: 1 } }',
      'context.http: "body" must be a string or a BSON.Binary; pass encodeBodyAsJSON: true to send an object',
    ],
    ['{ url: origin, body: "x", form: { a: 1 } }', 'context.http: "form" and "body" exclude each other'],
    ['{ url: origin, headers: { "a b": ["1"] } }', 'context.http: a header name or value is not valid'],
  ]
  it.each(refused)('refuses %s', async (args, message) => {
    expect(await failure(request('post', args))).toEqual({ code: 'FunctionExecutionError', message })
  })

  it('names a failed connection without details of the network', async () => {
    expect(await failure(request('get', '{ url: "http://127.0.0.1:1/" }'))).toEqual({
      code: 'HTTPError',
      message: 'context.http: the request to "127.0.0.1" failed',
    })
  })

  it('reaches no private address unless allowed, not even through a redirect', async () => {
    expect(await failure(request('get', '{ url: origin }', false))).toEqual({
      code: 'RestrictedHost',
      message: 'context.http: requests to "127.0.0.1" are not allowed',
    })
    const publicFetch: typeof fetch = (url) =>
      Promise.resolve(
        String(url) === 'https://example.com/'
          ? new Response(null, { status: 302, headers: { Location: 'http://169.254.169.254/latest' } })
          : new Response('secret'),
      )
    const { runtime } = startApp(client, {
      functions: { f: 'exports = () => context.http.get({ url: "https://example.com/", followRedirects: true })' },
      options: { fetch: publicFetch },
    })
    expect(await failure(runtime.callFunction('f', [], userCaller(), 'client'))).toEqual({
      code: 'RestrictedHost',
      message: 'context.http: requests to "169.254.169.254" are not allowed',
    })
  })

  it.each([
    '169.254.169.254',
    'metadata.google.internal',
    '[fd00:ec2::254]',
    '[::ffff:169.254.169.254]',
    '[fe80::1]',
    '2852039166',
  ])('reaches the metadata service at %s not even in development', async (host) => {
    expect(await failure(request('get', `{ url: "http://${host}/latest" }`, true))).toMatchObject({
      code: 'RestrictedHost',
    })
  })

  it('keeps credentials from the target of a redirect to another origin', async () => {
    const seen: (string | null)[] = []
    const spy: typeof fetch = (url, init) => {
      seen.push(new Headers(init?.headers).get('Authorization'))
      return Promise.resolve(
        String(url) === 'https://a.example/'
          ? new Response(null, { status: 307, headers: { Location: 'https://b.example/' } })
          : new Response(''),
      )
    }
    const { runtime } = startApp(client, {
      functions: {
        f: `exports = () => context.http.get({ url: 'https://a.example/', followRedirects: true, headers: { Authorization: ['x'] } })`,
      },
      options: { fetch: spy },
    })
    await runtime.callFunction('f', [], userCaller(), 'client')
    expect(seen).toEqual(['x', null])
  })
})

describe('isPrivateHost', () => {
  const privateHosts = [
    'localhost',
    'LOCALHOST.',
    'api.localhost',
    'db',
    'printer.local',
    'metadata.google.internal',
    '2130706433',
    '0x7f.1',
    '017700000001',
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '[::]',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:a00:1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[fc00::1]',
    '[fd12:3456::1]',
    '[fe80::1]',
    '[ff02::1]',
    '[2001:db8::1]',
  ]
  it.each(privateHosts)('is true for %s', (host) => {
    expect(isPrivateHost(new URL(`http://${host}/`).hostname)).toBe(true)
  })

  it.each(['example.com', '8.8.8.8', '172.32.0.1', '[2606:4700::1111]', '[::ffff:8.8.8.8]', '[2002:808:808::]'])(
    'is false for %s',
    (host) => {
      expect(isPrivateHost(new URL(`http://${host}/`).hostname)).toBe(false)
    },
  )
})

describe('caseInsensitiveHeaders', () => {
  it('finds a header in any case and lists it once', () => {
    const headers = caseInsensitiveHeaders({ 'Content-Type': ['a'], 'X-Custom': ['b'] })
    expect([headers['content-type'], headers['X-CUSTOM'], headers.missing, 'x-custom' in headers]).toEqual([
      ['a'],
      ['b'],
      undefined,
      true,
    ])
    expect(Object.keys(headers)).toEqual(['Content-Type', 'X-Custom'])
  })
})
