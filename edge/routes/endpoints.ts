import { Hono } from 'hono'
import { matchEndpoint } from '../../runtime/endpoints/match-endpoint.ts'
import type { AppDefinition } from '../../schemas/app/definition.ts'
import type { EdgeEnv } from '../edge-env.ts'
import { errorResponse } from '../error-body.ts'
import type { Hop } from '../hop.ts'
import { logLink } from '../link.ts'

const mount = /^\/app\/[^/]*\/endpoint/

/** The app's own routes below `/endpoint` (spec: HTTPS endpoints 1). */
export function endpointRoutes(definition: AppDefinition, hop: Hop): Hono<EdgeEnv> {
  return new Hono<EdgeEnv>().all('*', async (c) => {
    const index = routesOf(c.req.url)
      .map((route) => matchEndpoint(definition.endpoints, route, c.req.method))
      .find((found) => found >= 0)
    if (index !== undefined) return hop(c, { kind: 'endpoint', index })
    const answer = { status: 404, error: 'endpoint not found', error_code: undefined, retryAfterSeconds: undefined }
    return errorResponse(answer, logLink(definition, new URL(c.req.url).origin, c.get('requestId')))
  })
}

/** The path, and for a route that its owner wrote with a query, path and query as sent. */
function routesOf(requestUrl: string): string[] {
  const url = new URL(requestUrl)
  const route = decoded(url.pathname.replace(mount, ''))
  return url.search === '' ? [route] : [route, route + url.search]
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
