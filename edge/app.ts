import { type Context, Hono } from 'hono'
import type { Log } from '../runtime/log.ts'
import type { AppDefinition } from '../schemas/app/definition.ts'
import type { BearerVerifiers } from './bearer.ts'
import type { EdgeEnv } from './edge-env.ts'
import { errorResponse, toErrorAnswer } from './error-body.ts'
import { createHop } from './hop.ts'
import type { Host } from './host-request.ts'
import { cors } from './middleware/cors.ts'
import { type BodySource, readBody } from './middleware/read-body.ts'
import { requestId } from './middleware/request-id.ts'
import { clientAppRoutes, clientSessionRoutes } from './routes/client-api.ts'
import { dataApiRoutes } from './routes/data-api.ts'
import { endpointRoutes } from './routes/endpoints.ts'

export interface EdgeAppOptions extends BearerVerifiers {
  definition: AppDefinition
  host: (c: Context<EdgeEnv>) => Host
  log: Log
  remoteAddress: (c: Context<EdgeEnv>) => string
  bodySource: BodySource
  /** Scheme and host that the client of a request used; default: those of the request itself. */
  publicOrigin?: (c: Context) => string
  /** Lets pages on this machine send credential headers, and passes any list of origins. Default false. */
  allowDevelopmentOrigins?: boolean
  /** Serves what no route here does, such as a dashboard; undefined means not found. */
  fallback?: (request: Request) => Promise<Response | undefined>
}

const clientApi = '/api/client/v2.0'

/**
 * The whole HTTP surface of one app, the same on Workers and on Node: ids, limits, CORS, routing and tokens here, one
 * hop to the host for the rest.
 */
export function createEdgeApp(options: EdgeAppOptions): Hono<EdgeEnv> {
  const { definition } = options
  const publicOrigin = options.publicOrigin ?? ((c: Context) => new URL(c.req.url).origin)
  const hop = createHop({
    definition,
    tokens: options.tokens,
    accessTokens: options.accessTokens,
    host: options.host,
    remoteAddress: options.remoteAddress,
    log: options.log,
    publicOrigin,
  })
  const app = new Hono<EdgeEnv>()
  app.use(requestId())
  app.use(
    cors({
      allowedOrigins: definition.allowedRequestOrigins,
      allowLoopback: options.allowDevelopmentOrigins ?? false,
      publicOrigin,
    }),
  )
  app.get('/health', (c) => c.json({ status: 'ok', app: definition.clientAppId }))
  app.use(readBody(options.bodySource))
  app.get('/ready', (c) => hop(c, { kind: 'ready' }))

  app.use('/app/:id/*', knownApp(definition))
  app.use(`${clientApi}/app/:id/*`, knownApp(definition))
  app.route('/app/:id/endpoint', dataApiRoutes(definition, hop))
  app.route('/app/:id/endpoint', endpointRoutes(definition, hop))
  app.route(`${clientApi}/app/:id`, clientAppRoutes(definition, hop, publicOrigin))
  app.route(`${clientApi}/auth`, clientSessionRoutes(hop))

  app.notFound(async (c) => (await options.fallback?.(c.req.raw)) ?? c.json({ error: 'not found' }, 404))
  app.onError((error, c) => {
    options.log({
      type: 'system',
      status: 'error',
      requestId: c.get('requestId'),
      error: error.message,
      ...(error.stack !== undefined && { stack: error.stack }),
    })
    return errorResponse(toErrorAnswer(error), undefined)
  })
  return app
}

function knownApp(definition: AppDefinition) {
  return async function knownApp(c: Context, next: () => Promise<void>) {
    const id = c.req.param('id')
    if (id !== definition.clientAppId) return c.json({ error: `cannot find app using Client App ID '${id}'` }, 404)
    await next()
    return undefined
  }
}
