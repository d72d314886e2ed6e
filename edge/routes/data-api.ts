import { Hono } from 'hono'
import { isAction } from '../../runtime/data-api/index.ts'
import type { AppDefinition } from '../../schemas/app/definition.ts'
import type { EdgeEnv } from '../edge-env.ts'
import type { Hop } from '../hop.ts'

// Small clients wait for chunks that never come.
const empty = { 'Content-Length': '0' }

/** `/data/<version>/action/<name>`: ten actions, by POST or by GET with a body (spec: Data API 1). */
export function dataApiRoutes(definition: AppDefinition, hop: Hop): Hono<EdgeEnv> {
  const { dataApi } = definition
  return new Hono<EdgeEnv>().all('/data/:version/action/:action', async (c) => {
    const { version, action } = c.req.param()
    const isEnabled = dataApi !== undefined && !dataApi.disabled && dataApi.versions.includes(version)
    if (!isEnabled || !isAction(action)) return c.body(null, 404, empty)
    if (c.req.method !== 'POST' && c.req.method !== 'GET') return c.body(null, 405, { ...empty, Allow: 'POST, GET' })
    return hop(c, { kind: 'data-api', version, action })
  })
}
