import type { Context, MiddlewareHandler } from 'hono'
import type { EdgeEnv } from '../edge-env.ts'

export interface CorsOptions {
  /** Empty: any origin. */
  allowedOrigins: readonly string[]
  /** Pages on this machine count as listed: for development. */
  allowLoopback: boolean
  /** Scheme and host that the client of a request used: a page of this very server may call. Default: the request's. */
  publicOrigin?: (c: Context) => string
}

/** Forms that identity providers send with the whole window: their origin is no page that reads the answer. */
const navigations = /^\/api\/client\/v2\.0\/auth\/callback$/
/** Asked by the Web SDK with cookies, to have one set; none that a browser holds counts there. */
const credentialed = /^\/api\/client\/v2\.0\/app\/[^/]+\/auth\/providers\/oauth2-[a-z]+\/login$/

const methods = 'GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS'
// Two of the old clients put response header names into their requests, so a browser asks for them.
const anyOriginHeaders =
  'Authorization, Content-Type, Accept, Idempotency-Key, If-None-Match, Last-Event-ID, X-Request-Id, ' +
  'Access-Control-Request-Headers, Access-Control-Allow-Origin'
const credentialHeaders = 'apiKey, api-key, email, password, jwtTokenString'
const exposed = 'ETag, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, Location, X-Baas-Location'
const maxAgeSeconds = '7200'

/**
 * Answers preflights before anything else and puts CORS headers on every answer, errors included. An origin that a
 * non-empty list does not name gets 403 (spec: Data API 2).
 */
export const cors = (options: CorsOptions): MiddlewareHandler<EdgeEnv> => {
  const publicOrigin = options.publicOrigin ?? ((c: Context) => new URL(c.req.url).origin)
  const listed = new Set(options.allowedOrigins.map((origin) => origin.replace(/\/$/, '').toLowerCase()))

  return async function cors(c, next) {
    const origin = c.req.header('origin')
    const { path } = c.req
    if (navigations.test(path) && c.req.method !== 'OPTIONS') return next()
    const withCookies = credentialed.test(path)
    const named =
      origin !== undefined && (listed.has(origin.toLowerCase()) || (options.allowLoopback && isLoopback(origin)))
    const isAllowed = origin === undefined || listed.size === 0 || named || origin === publicOrigin(c)
    if (c.req.method === 'OPTIONS') return preflight(origin, isAllowed, named, withCookies)
    if (isAllowed) await next()
    else c.res = c.json({ error: 'origin not allowed', error_code: 'DomainNotAllowed' }, 403)
    for (const [name, value] of originHeaders(origin, isAllowed, withCookies)) {
      // A function of the app may have set its own.
      if (name === 'Vary') c.res.headers.append(name, value)
      else if (!c.res.headers.has(name)) c.res.headers.set(name, value)
    }
    return undefined
  }

  function originHeaders(origin: string | undefined, isAllowed: boolean, withCookies: boolean): [string, string][] {
    if (listed.size === 0 && !withCookies)
      return [
        ['Access-Control-Allow-Origin', '*'],
        ['Access-Control-Expose-Headers', exposed],
      ]
    if (origin === undefined || !isAllowed) return [['Vary', 'Origin']]
    return [
      ['Access-Control-Allow-Origin', origin],
      ['Access-Control-Expose-Headers', exposed],
      ['Vary', 'Origin'],
      ...(withCookies ? [['Access-Control-Allow-Credentials', 'true'] satisfies [string, string]] : []),
    ]
  }

  function preflight(origin: string | undefined, isAllowed: boolean, named: boolean, withCookies: boolean): Response {
    const headers = new Headers(originHeaders(origin, isAllowed, withCookies))
    headers.set('Vary', 'Origin')
    if (!isAllowed) return new Response(null, { status: 403, headers })
    headers.set('Access-Control-Allow-Methods', methods)
    headers.set('Access-Control-Allow-Headers', named ? `${anyOriginHeaders}, ${credentialHeaders}` : anyOriginHeaders)
    headers.set('Access-Control-Max-Age', maxAgeSeconds)
    return new Response(null, { status: 204, headers })
  }
}

function isLoopback(origin: string): boolean {
  if (!URL.canParse(origin)) return false
  const { hostname } = new URL(origin)
  return hostname === 'localhost' || hostname.endsWith('.localhost') || /^127(\.\d{1,3}){3}$|^\[::1\]$/.test(hostname)
}
