import { AppError } from '../../errors.ts'
import { createBody, type FunctionBinary } from '../globals/binary.ts'
import type { Invocation } from '../invocation.ts'
import { assertReachable } from './address.ts'
import { digestAuthorization } from './digest.ts'
import { responseHeaders } from './headers.ts'
import { type OutboundRequest, outboundRequest } from './request.ts'
import { reasonPhrase } from './status.ts'

const maxRedirects = 10

export interface FunctionHttpOptions {
  readonly fetch: typeof fetch
  readonly allowPrivateHosts: boolean
}

interface FunctionHttpResponse {
  status: string
  statusCode: number
  contentLength: number
  headers: Record<string, string[]>
  cookies: Record<string, string>
  body: FunctionBinary
}

function cookiesOf(headers: Headers): Record<string, string> {
  const cookies: Record<string, string> = {}
  for (const line of headers.getSetCookie()) {
    const [pair = ''] = line.split(';')
    const separator = pair.indexOf('=')
    if (separator > 0)
      Object.defineProperty(cookies, pair.slice(0, separator).trim(), {
        value: pair.slice(separator + 1).trim(),
        enumerable: true,
        configurable: true,
      })
  }
  return cookies
}

async function toFunctionResponse(response: Response): Promise<FunctionHttpResponse> {
  const bytes = new Uint8Array(await response.arrayBuffer())
  return {
    status: `${response.status} ${response.statusText || reasonPhrase(response.status)}`.trim(),
    statusCode: response.status,
    contentLength: bytes.length,
    headers: responseHeaders(response.headers),
    cookies: cookiesOf(response.headers),
    body: createBody(bytes),
  }
}

/** The request that follows an answer with `Location`; undefined when the answer is final. */
function redirected(request: OutboundRequest, response: Response): OutboundRequest | undefined {
  const location = response.headers.get('Location')
  if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return undefined
  if (!URL.canParse(location, request.url.href)) return undefined
  const url = new URL(location, request.url.href)
  url.username = ''
  url.password = ''
  const headers = new Headers(request.headers)
  const { digest, ...rest } = request
  const stays = url.origin === request.url.origin
  if (!stays) for (const name of ['Authorization', 'Cookie']) headers.delete(name)
  const kept = stays && digest !== undefined ? { ...rest, digest } : rest
  const becomesGet =
    (response.status === 303 && request.method !== 'HEAD') || (response.status < 303 && request.method === 'POST')
  if (!becomesGet) return { ...kept, url, headers }
  for (const name of ['Content-Type', 'Content-Length']) headers.delete(name)
  return { ...kept, url, method: 'GET', headers, body: undefined }
}

/** One request, and a second one when a server asks for a digest. */
async function sendOnce(
  request: OutboundRequest,
  { fetch }: FunctionHttpOptions,
  signal: AbortSignal,
): Promise<Response> {
  const attempt = (headers: Headers) =>
    fetch(request.url.href, {
      method: request.method,
      headers,
      redirect: 'manual',
      signal,
      ...(request.body === undefined ? {} : { body: request.body }),
    })
  const response = await attempt(request.headers)
  const challenge = response.headers.get('WWW-Authenticate')
  if (response.status !== 401 || challenge === null || request.digest === undefined) return response
  const authorization = digestAuthorization(challenge, request, request.digest)
  if (authorization === undefined) return response
  await response.body?.cancel()
  const headers = new Headers(request.headers)
  headers.set('Authorization', authorization)
  return attempt(headers)
}

async function send(
  request: OutboundRequest,
  follow: boolean,
  options: FunctionHttpOptions,
  signal: AbortSignal,
): Promise<FunctionHttpResponse> {
  let current = request
  for (let hop = 0; hop <= maxRedirects; hop++) {
    assertReachable(current.url, options.allowPrivateHosts)
    const response = await sendOnce(current, options, signal)
    const next = follow ? redirected(current, response) : undefined
    if (next === undefined) return toFunctionResponse(response)
    await response.body?.cancel()
    current = next
  }
  throw new AppError('HTTPError', `context.http: stopped after ${maxRedirects} redirects`)
}

/** Names the failure without the host's error text, which may quote addresses of its network. */
function toHttpError(error: unknown, url: URL): unknown {
  if (error instanceof AppError) return error
  return new AppError('HTTPError', `context.http: the request to "${url.hostname}" failed`, { cause: error })
}

/** `context.http` of one run (spec: function runtime 6). An answer of any status resolves. */
export function createHttpClient(invocation: Invocation, options: FunctionHttpOptions) {
  const method = (name: string) => (args: unknown) =>
    invocation.run(async () => {
      const request = outboundRequest(name, args)
      const follow =
        typeof args === 'object' && args !== null && 'followRedirects' in args && args.followRedirects === true
      try {
        return await send(request, follow, options, invocation.signal)
      } catch (error) {
        invocation.assertTimeLeft()
        throw toHttpError(error, request.url)
      }
    })
  return {
    get: method('GET'),
    post: method('POST'),
    put: method('PUT'),
    patch: method('PATCH'),
    delete: method('DELETE'),
    head: method('HEAD'),
  }
}
