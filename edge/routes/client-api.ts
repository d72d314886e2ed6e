import { type Context, Hono } from 'hono'
import type { AppDefinition } from '../../schemas/app/definition.ts'
import type { EdgeEnv } from '../edge-env.ts'
import type { Hop } from '../hop.ts'

/** Below `/api/client/v2.0/app/<id>`: what needs no session yet, and function calls (spec: Data API 8). */
export function clientAppRoutes(
  definition: AppDefinition,
  hop: Hop,
  publicOrigin: (c: Context) => string,
): Hono<EdgeEnv> {
  const routes = new Hono<EdgeEnv>()
  routes.get('/location', (c) => {
    const hostname = publicOrigin(c)
    return c.json({
      deployment_model: definition.deploymentModel,
      location: definition.location,
      hostname,
      ws_hostname: hostname.replace(/^http/, 'ws'),
    })
  })
  for (const step of [
    'register',
    'confirm',
    'confirm/send',
    'confirm/call',
    'reset',
    'reset/send',
    'reset/call',
  ] as const)
    routes.post(`/auth/providers/local-userpass/${step}`, (c) => hop(c, { kind: 'userpass', step }))
  routes.post('/auth/providers/:provider/login', (c) => hop(c, { kind: 'login', provider: c.req.param('provider') }))
  routes.get('/auth/providers/:provider/login', (c) =>
    hop(c, { kind: 'oauth-start', provider: c.req.param('provider') }),
  )
  routes.on(['GET', 'POST'], '/functions/call', (c) => hop(c, { kind: 'call' }))
  return routes
}

/** Below `/api/client/v2.0/auth`: the token names the app. */
export function clientSessionRoutes(hop: Hop): Hono<EdgeEnv> {
  const routes = new Hono<EdgeEnv>()
  routes.post('/session', (c) => hop(c, { kind: 'session', method: 'POST' }))
  routes.delete('/session', (c) => hop(c, { kind: 'session', method: 'DELETE' }))
  routes.on(['GET', 'POST'], '/callback', (c) => hop(c, { kind: 'oauth-callback' }))
  routes.get('/profile', (c) => hop(c, { kind: 'profile' }))
  routes.delete('/delete', (c) => hop(c, { kind: 'delete-user' }))
  routes.get('/api_keys', (c) => hop(c, { kind: 'api-keys', method: 'GET' }))
  routes.post('/api_keys', (c) => hop(c, { kind: 'api-keys', method: 'POST' }))
  routes.get('/api_keys/:id', (c) => hop(c, { kind: 'api-keys', method: 'GET', id: c.req.param('id') }))
  routes.delete('/api_keys/:id', (c) => hop(c, { kind: 'api-keys', method: 'DELETE', id: c.req.param('id') }))
  for (const change of ['enable', 'disable'] as const)
    routes.put(`/api_keys/:id/${change}`, (c) =>
      hop(c, { kind: 'api-keys', method: 'PUT', id: c.req.param('id'), change }),
    )
  return routes
}
