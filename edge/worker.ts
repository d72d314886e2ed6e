import { built } from 'atlas-edge:app'
import type { Hono } from 'hono'
import { readIdentityProviders } from '../runtime/tokens/identity-providers.ts'
import { createAccessTokenVerifier } from '../runtime/tokens/verify-access-token.ts'
import { createTokens } from '../runtime/users/tokens.ts'
import { parseEdgeSettingsText } from '../schemas/edge-settings.ts'
import { createEdgeApp } from './app.ts'
import type { EdgeEnv } from './edge-env.ts'
import { errorResponse } from './error-body.ts'
import type { HostRequest } from './host-request.ts'
import { unpackAnswer } from './packed-answer.ts'
import type { WorkerEnv } from './worker-env.ts'
import { logLine } from './worker-log.ts'

export { AppHost, StreamHost } from './app-host.ts'
export { TriggerHost } from './trigger-host.ts'

let app: Hono<EdgeEnv> | undefined

/** The routes of this isolate: made with the first request, because bindings come with it. */
function appOf(env: WorkerEnv): Hono<EdgeEnv> {
  app ??= createEdgeApp({
    definition: built.definition,
    tokens: createTokens(env.EDGE_SIGNING_KEY ?? '', () => new Date()),
    accessTokens: createAccessTokenVerifier({
      providers: readIdentityProviders(built.definition, parseEdgeSettingsText(env.EDGE_SETTINGS).identityProviders),
      fetch: (input, init) => fetch(input, init),
      now: () => new Date(),
    }),
    host: () => ({ handle: async (request) => unpackAnswer(await hostFor(env, request).handle(request)) }),
    log: logLine,
    remoteAddress: (c) => c.req.header('cf-connecting-ip') ?? '',
    bodySource: (c) => c.req.raw.body,
    allowDevelopmentOrigins: env.EDGE_DEVELOPMENT === 'true',
  })
  return app
}

/** Any shard will do: they hold nothing but connections. Live streams go to an object of their own. */
function hostFor(env: WorkerEnv, request: HostRequest) {
  const isStream = request.operation.kind === 'call' && request.method === 'GET'
  const shards = Math.max(1, Math.trunc(Number(env.EDGE_SHARDS ?? 1)) || 1)
  const name = `${built.definition.clientAppId}:${Math.floor(Math.random() * shards)}`
  const namespace = isStream ? env.STREAM_HOST : env.APP_HOST
  return namespace.get(namespace.idFromName(name), hint(env))
}

function hint(env: WorkerEnv): DurableObjectNamespaceGetDurableObjectOptions {
  return isLocationHint(env.EDGE_LOCATION_HINT) ? { locationHint: env.EDGE_LOCATION_HINT } : {}
}

const locationHints = ['wnam', 'enam', 'sam', 'weur', 'eeur', 'apac', 'oc', 'afr', 'me'] as const

function isLocationHint(value: string | undefined): value is (typeof locationHints)[number] {
  return locationHints.some((hint) => hint === value)
}

export default {
  async fetch(request, env, ctx) {
    let routes: Hono<EdgeEnv>
    try {
      routes = appOf(env)
    } catch (error) {
      // Without its signing key the edge refuses to serve rather than to sign with a guessable one.
      const text = error instanceof TypeError ? error.message : 'this edge is not configured'
      const answer = { status: 500, error: text, error_code: 'InternalServerError', retryAfterSeconds: undefined }
      return errorResponse(answer, undefined)
    }
    return routes.fetch(request, env, ctx)
  },

  async scheduled(controller, env) {
    const stub = env.TRIGGER_HOST.get(env.TRIGGER_HOST.idFromName(built.definition.clientAppId), hint(env))
    await stub.tick(controller.scheduledTime)
  },
} satisfies ExportedHandler<WorkerEnv>
