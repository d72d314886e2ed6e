import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { MongoClient } from 'mongodb'
import { createRuntime } from '../runtime/create-runtime.ts'
import type { BuiltApp } from '../runtime/function-module.ts'
import type { Log } from '../runtime/log.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { readIdentityProviders } from '../runtime/tokens/identity-providers.ts'
import { createAccessTokenVerifier } from '../runtime/tokens/verify-access-token.ts'
import type { TokenMail } from '../runtime/users/password-accounts.ts'
import { defaultStateDatabase, ensureUserIndexes, openUserState } from '../runtime/users/state.ts'
import { createTokens } from '../runtime/users/tokens.ts'
import { type EdgeSettingsInput, functionTimeoutMsOf, parseEdgeSettings } from '../schemas/edge-settings.ts'
import { createEdgeApp } from './app.ts'
import { driverTimeouts } from './driver-timeouts.ts'
import { createHost } from './host/host.ts'
import type { HostSettings } from './host/host-context.ts'
import { logLine } from './node/log-line.ts'
import { createPublicFetch } from './node/public-fetch.ts'
import { createPublicOrigin } from './node/public-origin.ts'
import { surviveUnhandledRejections } from './node/unhandled-rejections.ts'

export interface NodeEdgeOptions {
  built: BuiltApp
  /** The server of every data source and of the edge's own database. */
  uri: string
  /** 0 = a free port. */
  port: number
  /** Default 127.0.0.1. */
  host?: string
  /** The app's secrets, by name, and `EDGE_SIGNING_KEY`. */
  secrets: Readonly<Record<string, string>>
  stateDatabase?: string
  /** Lets pages on this machine send credential headers. */
  allowDevelopmentOrigins?: boolean
  /** Lets `context.http` reach private addresses. */
  allowPrivateHosts?: boolean
  /** Scheme and host that clients use, when a proxy stands in front. */
  origin?: string
  /**
   * The address of a caller is the last of `X-Forwarded-For`, and the scheme it used the last of `X-Forwarded-Proto`: the
   * proxy in front wrote them. Default false.
   */
  trustProxy?: boolean
  /** Issuers, address ranges and limits beside what the app says. */
  settings?: EdgeSettingsInput
  /** Errors of an action as a bare JSON string. */
  plainActionErrors?: boolean
  /** Default: `functionTimeoutSeconds` of the settings. */
  functionTimeoutMs?: number
  /** What else limits the app, for `/ready`. */
  readyReasons?: HostSettings['readyReasons']
  /** Sends confirmation and reset links; absent: nothing is sent, and the log says so. */
  sendMail?: (mail: TokenMail) => Promise<void>
  /** Default: the real clock and `fetch`. */
  now?: () => Date
  fetch?: typeof fetch
  /** Default: one JSON line each on stderr. */
  log?: Log
  /** Serves what no route does, such as a dashboard. */
  fallback?: (request: Request) => Promise<Response | undefined>
}

export interface NodeEdge {
  readonly url: string
  readonly port: number
  readonly runtime: Runtime
  close(): Promise<void>
}

/** For a long-lived process. */
const maxPoolSize = 50

/**
 * Serves an app from this process, the runtime beside it.
 *
 * @throws {TypeError} when `EDGE_SIGNING_KEY` is missing or shorter than 32 bytes, or a setting is wrong
 * @throws {Error} with `code` `EADDRINUSE` when the port is taken
 */
export async function startNodeEdge(options: NodeEdgeOptions): Promise<NodeEdge> {
  const { built, secrets } = options
  const signingKey = secrets.EDGE_SIGNING_KEY ?? ''
  const now = options.now ?? (() => new Date())
  const log = options.log ?? logLine
  const tokens = createTokens(signingKey, now)
  const settings = parseEdgeSettings(options.settings ?? {})
  const identityProviders = readIdentityProviders(built.definition, settings.identityProviders)
  const functionTimeoutMs = options.functionTimeoutMs ?? functionTimeoutMsOf(settings)
  const client = new MongoClient(options.uri, { maxPoolSize, ...driverTimeouts(functionTimeoutMs) })
  const stateDatabase = options.stateDatabase ?? defaultStateDatabase
  const runtime = createRuntime({
    built,
    clientFor: () => client,
    stateClient: client,
    stateDatabase,
    secrets,
    now,
    fetch: options.fetch ?? (options.allowPrivateHosts === true ? fetch : createPublicFetch()),
    log,
    ...(functionTimeoutMs !== undefined && { functionTimeoutMs }),
    ...(options.allowPrivateHosts !== undefined && { allowPrivateHosts: options.allowPrivateHosts }),
  })
  const host = createHost(runtime, {
    signingKey,
    settings,
    ...(options.readyReasons !== undefined && { readyReasons: options.readyReasons }),
    ...(options.sendMail !== undefined && { sendMail: options.sendMail }),
    ...(options.plainActionErrors !== undefined && { plainActionErrors: options.plainActionErrors }),
  })
  const app = createEdgeApp({
    definition: built.definition,
    tokens,
    // The addresses of key sets are the operator's: they are not subject to what functions may reach.
    accessTokens: createAccessTokenVerifier({ providers: identityProviders, fetch: options.fetch ?? fetch, now }),
    host: () => host,
    log,
    remoteAddress: (c) =>
      (options.trustProxy && c.req.header('x-forwarded-for')?.split(',').at(-1)?.trim()) ||
      (incomingOf(c.env)?.socket.remoteAddress ?? ''),
    // The adapter's Request has no body on a GET; the socket has.
    bodySource: (c) => incomingOf(c.env) ?? null,
    publicOrigin: createPublicOrigin(options),
    ...(options.allowDevelopmentOrigins !== undefined && { allowDevelopmentOrigins: options.allowDevelopmentOrigins }),
    ...(options.fallback !== undefined && { fallback: options.fallback }),
  })
  const server = createServer(
    { maxHeaderSize: 64 * 1024 },
    getRequestListener(app.fetch, { overrideGlobalObjects: false }),
  )
  const hostname = options.host ?? '127.0.0.1'
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(options.port, hostname, resolve)
    })
  } catch (error) {
    await client.close()
    throw error
  }
  // A database that is away now may be back later: the edge starts all the same, and `/ready` says so.
  const indexes = ensureUserIndexes(openUserState(client, built.definition.clientAppId, stateDatabase)).catch((error) =>
    log({ type: 'system', status: 'error', name: 'ensure indexes', error: String(error) }),
  )
  const { port } = server.address() as AddressInfo
  const stopSurviving = surviveUnhandledRejections(log)
  return {
    url: `http://${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`,
    port,
    runtime,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeIdleConnections()
      setTimeout(() => server.closeAllConnections(), 1_000).unref()
      await closed
      await indexes
      await client.close()
      stopSurviving()
    },
  }
}

function incomingOf(env: unknown): IncomingMessage | undefined {
  return typeof env === 'object' && env !== null && 'incoming' in env
    ? (env as { incoming: IncomingMessage }).incoming
    : undefined
}
