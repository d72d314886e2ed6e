import type { Context } from 'hono'
import type { Log } from '../runtime/log.ts'
import type { AppDefinition } from '../schemas/app/definition.ts'
import { type BearerVerifiers, readBearer } from './bearer.ts'
import type { EdgeEnv } from './edge-env.ts'
import { errorResponse } from './error-body.ts'
import type { Host, Operation } from './host-request.ts'
import { logLink } from './link.ts'

export interface HopOptions extends BearerVerifiers {
  definition: AppDefinition
  host: (c: Context<EdgeEnv>) => Host
  remoteAddress: (c: Context<EdgeEnv>) => string
  log: Log
  /** Scheme and host that the client of a request used. */
  publicOrigin: (c: Context) => string
}

export type Hop = (c: Context<EdgeEnv>, operation: Operation) => Promise<Response>

const retryAfterSeconds = 1

/** The one step from the routes to the host that stands beside the database. */
export function createHop(options: HopOptions): Hop {
  const { definition } = options
  return async (c, operation) => {
    const { search } = new URL(c.req.url)
    const origin = options.publicOrigin(c)
    const request = {
      operation,
      requestId: c.get('requestId'),
      method: c.req.method,
      origin,
      rawQuery: search.slice(1),
      headers: [...c.req.raw.headers],
      body: c.get('body'),
      remoteAddress: options.remoteAddress(c),
      bearer: await readBearer(c.req.header('authorization'), options, definition.clientAppId),
    }
    try {
      const response = await options.host(c).handle(request)
      // Headers of an answer that crossed from a Durable Object cannot be added to.
      return new Response(response.body, response)
    } catch (cause) {
      options.log({
        type: 'system',
        status: 'error',
        name: 'host',
        requestId: request.requestId,
        error: cause instanceof Error ? cause.message : String(cause),
      })
      // The host answers what it can; what arrives here is a host that is overloaded, restarting or gone.
      const error = 'the service is overloaded or restarting'
      const answer = { status: 503, error, error_code: 'InternalServerError', retryAfterSeconds }
      return errorResponse(answer, logLink(definition, origin, request.requestId))
    }
  }
}
