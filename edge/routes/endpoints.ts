import { type Context, Hono } from 'hono'
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
    const index = matchEndpoint(definition.endpoints, routeOf(c), c.req.method)
    if (index >= 0) return hop(c, { kind: 'endpoint', index })
    const answer = { status: 404, error: 'endpoint not found', error_code: undefined, retryAfterSeconds: undefined }
    return errorResponse(answer, logLink(definition, new URL(c.req.url).origin, c.get('requestId')))
  })
}

function routeOf(c: Context): string {
  const route = new URL(c.req.url).pathname.replace(mount, '')
  try {
    return decodeURIComponent(route)
  } catch {
    return route
  }
}
