import { AppError } from '../../runtime/errors.ts'
import { policiesFrom } from '../../runtime/limits/default-policies.ts'
import { Limiter } from '../../runtime/limits/limiter.ts'
import { SharedLimiter } from '../../runtime/limits/shared-limiter.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { readIdentityProviders } from '../../runtime/tokens/identity-providers.ts'
import { parseAddressRanges } from '../../runtime/users/address-ranges.ts'
import { keyPrefix } from '../../runtime/users/api-key-store.ts'
import { ExternalUsers } from '../../runtime/users/external-user.ts'
import { OAuthFlows } from '../../runtime/users/oauth/flows.ts'
import { defaultStateDatabase, openUserState } from '../../runtime/users/state.ts'
import { createTokens } from '../../runtime/users/tokens.ts'
import { UserService } from '../../runtime/users/user-service.ts'
import { type EdgeSettings, parseEdgeSettings } from '../../schemas/edge-settings.ts'
import { type ErrorAnswer, errorHeaders, errorResponse, toErrorAnswer } from '../error-body.ts'
import { type Host, type HostRequest, headerOf, type Operation } from '../host-request.ts'
import { logLink } from '../link.ts'
import { handleApiKeys } from './client/api-keys.ts'
import { handleCall } from './client/call.ts'
import { handleLogin } from './client/login.ts'
import { handleOAuthCallback } from './client/oauth-callback.ts'
import { handleOAuthStart } from './client/oauth-start.ts'
import { handleDeleteUser, handleProfile } from './client/profile.ts'
import { handleSession } from './client/session.ts'
import { handleUserpass } from './client/userpass.ts'
import { handleDataApi } from './data-api.ts'
import { handleEndpoint } from './endpoint.ts'
import type { HostContext, HostSettings } from './host-context.ts'
import { admit, LimitExceeded, type LimitHeaders } from './limits.ts'
import { createChangeStreamProbe, handleReady } from './ready.ts'

export interface HostOptions extends Partial<HostSettings> {
  /** `EDGE_SIGNING_KEY`, at least 32 bytes. */
  signingKey: string
  /** Default: none but the app's own. */
  settings?: EdgeSettings
}

/**
 * The runtime of one app behind a door that speaks HTTP: everything that needs the database.
 *
 * @throws {TypeError} when the signing key is too short or a setting is wrong
 */
export function createHost(runtime: Runtime, options: HostOptions): Host {
  const { built, stateClient, stateDatabase, secrets, clientFor, fetch, now } = runtime.options
  const settings = options.settings ?? parseEdgeSettings({})
  const state = openUserState(stateClient, built.definition.clientAppId, stateDatabase)
  const sharedLimits = {
    client: stateClient,
    database: stateDatabase ?? defaultStateDatabase,
    app: built.definition.clientAppId,
    secret: options.signingKey,
  }
  const context: HostContext = {
    runtime,
    tokens: createTokens(options.signingKey, now),
    users: new UserService({
      definition: built.definition,
      state,
      clientFor,
      secret: (name) => (Object.hasOwn(secrets, name) ? secrets[name] : undefined),
      fetch,
      now,
      failures: new SharedLimiter(sharedLimits),
    }),
    externalUsers: new ExternalUsers({
      definition: built.definition,
      providers: readIdentityProviders(built.definition, settings.identityProviders),
      clientFor,
      now,
    }),
    limiter: new Limiter({
      policies: policiesFrom(settings.limits),
      ...sharedLimits,
      now,
      log: runtime.options.log,
    }),
    oauthFlows: new OAuthFlows({ app: state.app, signingKey: options.signingKey, spent: state.oauthFlows, now }),
    allowedAddresses: settings.allowedCidrs.length === 0 ? undefined : parseAddressRanges(settings.allowedCidrs),
    settings: {
      plainActionErrors: options.plainActionErrors ?? false,
      sendMail: options.sendMail,
      readyReasons: options.readyReasons ?? (() => []),
    },
  }
  const hasChangeStreams = createChangeStreamProbe(stateClient, stateDatabase ?? defaultStateDatabase)
  let active = 0
  return {
    async handle(request) {
      active++
      try {
        if (active > maxConcurrentRequests) throw tooManyRequests()
        assertAddress(context, request)
        const limits = await admit(context, request)
        return withHeaders(await serve(context, request, hasChangeStreams), limits)
      } catch (error) {
        return refuse(context, request, error)
      } finally {
        active--
      }
    },
  }
}

/** Refusals are answers too: what the client may still ask goes out with them. */
async function serve(context: HostContext, request: HostRequest, hasChangeStreams: () => Promise<boolean>) {
  try {
    return await dispatch(context, request, hasChangeStreams)
  } catch (error) {
    return refuse(context, request, error)
  }
}

function withHeaders(response: Response, headers: LimitHeaders): Response {
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value)
  return response
}

/** @throws {AppError} `AuthError` (403) */
function assertAddress(context: HostContext, { operation, remoteAddress }: HostRequest): void {
  const isAllowed = context.allowedAddresses?.includes(remoteAddress) ?? true
  if (!isAllowed && operation.kind !== 'ready')
    throw new AppError('AuthError', 'requests from this address are not allowed', { status: 403 })
}

/** Spec: Data API 6. */
const maxConcurrentRequests = 10_000

function tooManyRequests(): AppError {
  return new AppError('BadRequest', 'too many concurrent requests', { status: 429, retryAfterSeconds: 1 })
}

async function dispatch(
  context: HostContext,
  request: HostRequest,
  hasChangeStreams: () => Promise<boolean>,
): Promise<Response> {
  const { operation } = request
  switch (operation.kind) {
    case 'ready':
      return handleReady(context, hasChangeStreams)
    case 'data-api':
      return handleDataApi(context, request, operation.action)
    case 'endpoint': {
      const endpoint = context.runtime.built.definition.endpoints[operation.index]
      if (endpoint === undefined) throw new Error('the routes in front serve another app')
      return handleEndpoint(context, request, endpoint)
    }
    case 'login':
      return handleLogin(context, request, operation.provider)
    case 'oauth-start':
      return handleOAuthStart(context, request, operation.provider)
    case 'oauth-callback':
      return handleOAuthCallback(context, request)
    case 'userpass':
      return handleUserpass(context, request, operation.step)
    case 'session':
      return handleSession(context, request, operation.method)
    case 'profile':
      return handleProfile(context, request)
    case 'delete-user':
      return handleDeleteUser(context, request)
    case 'api-keys':
      return handleApiKeys(context, request, operation)
    case 'call':
      return handleCall(context, request)
  }
}

const logTypes = { 'data-api': 'data-api', endpoint: 'endpoint', call: 'function', ready: 'system' } as const

function refuse(context: HostContext, request: HostRequest, error: unknown): Response {
  const { operation, requestId, origin } = request
  const answer = toErrorAnswer(error)
  if (!isLoggedByRuntime(operation, answer)) logRefusal(context, request, answer, error)
  if (operation.kind === 'data-api' && answer.error_code === 'MongoDBError' && answer.status === 400) {
    // Spec: Data API 5, database-level errors: raw text in beta, the envelope or a JSON string in v1.
    if (operation.version === 'beta')
      return new Response(answer.error, { status: 400, headers: errorHeaders(answer, 'text/plain', answer.error) })
    if (context.settings.plainActionErrors) {
      const body = JSON.stringify(answer.error)
      return new Response(body, { status: 400, headers: errorHeaders(answer, 'application/json', body) })
    }
  }
  const response = errorResponse(answer, logLink(context.runtime.built.definition, origin, requestId))
  // RFC 6750 3: a client learns that a fresh token may help.
  if (answer.error_code === 'InvalidSession' && request.bearer.state !== 'none')
    response.headers.set('WWW-Authenticate', 'Bearer error="invalid_token"')
  return error instanceof LimitExceeded ? withHeaders(response, error.headers) : response
}

/** What a function threw is in the log already, with its lines. */
function isLoggedByRuntime(operation: Operation, answer: ErrorAnswer): boolean {
  return (
    (operation.kind === 'endpoint' || operation.kind === 'call') && answer.error_code?.startsWith('Function') === true
  )
}

const shortestLoggedKey = 64

function logRefusal(context: HostContext, request: HostRequest, answer: ErrorAnswer, error: unknown) {
  const { operation, requestId } = request
  const key = headerOf(request, 'apikey') ?? headerOf(request, 'api-key') ?? ''
  const detail = {
    ...(error instanceof AppError && error.detail),
    // Shorter texts are no keys of ours: they may be a password in the wrong place.
    ...(key.length >= shortestLoggedKey && { key: keyPrefix(key) }),
  }
  const stack = answer.status >= 500 && error instanceof Error ? error.stack : undefined
  context.runtime.options.log({
    type: operation.kind in logTypes ? logTypes[operation.kind as keyof typeof logTypes] : 'auth',
    status: 'error',
    name: operation.kind === 'data-api' ? operation.action : operation.kind,
    requestId,
    error: withoutAddresses(answer.status >= 500 && error instanceof Error ? error.message : answer.error),
    ...(stack !== undefined && { stack }),
    ...(Object.keys(detail).length > 0 && { detail }),
  })
}

/** Some answers name the person's address, which the client knows; the log is read by others. */
function withoutAddresses(text: string): string {
  return text.replaceAll(/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, '<address>')
}
