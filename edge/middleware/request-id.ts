import type { MiddlewareHandler } from 'hono'
import type { EdgeEnv } from '../edge-env.ts'
import { requestIdFrom } from '../request-id.ts'

/** Gives each request the id that its answer, its logs and the `link` of an error carry. */
export const requestId = (): MiddlewareHandler<EdgeEnv> =>
  async function requestId(c, next) {
    const id = requestIdFrom(c.req.header('x-request-id'))
    c.set('requestId', id)
    await next()
    c.header('X-Request-Id', id)
  }
