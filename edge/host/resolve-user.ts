import { AppError } from '../../runtime/errors.ts'
import type { ExternalClaims } from '../../runtime/tokens/external-claims.ts'
import type { User } from '../../runtime/user.ts'
import { fromTokenData } from '../../runtime/users/custom-user-data.ts'
import { assertKeyAddress } from '../../runtime/users/key-scope.ts'
import type { AccessTokenClaims } from '../../runtime/users/tokens.ts'
import type { Credentials } from '../../runtime/users/user-service.ts'
import { type HostRequest, headerOf } from '../host-request.ts'
import { accessClaims } from './client/refusals.ts'
import { createHooks } from './hooks.ts'
import type { HostContext } from './host-context.ts'
import { toRequestInfo } from './request-info.ts'

const noCredentials = 'no authentication methods were specified'
const incompleteCredentials =
  'must specify some form of authentication (either email+password, api-key, or jwt) in the request header or body'
const unknownCredentials = 'invalid session: error finding user for endpoint'

/**
 * Credentials of the headers, by precedence: API key, email and password, JWT (spec: Data API 2).
 *
 * @throws {AppError} `MissingParameter` when a pair is incomplete
 */
export function credentialsOf(request: HostRequest): Credentials | undefined {
  const key = headerOf(request, 'apikey') ?? headerOf(request, 'api-key')
  if (key !== undefined && key !== '') return { provider: 'api-key', key }
  const username = headerOf(request, 'email') ?? ''
  const password = headerOf(request, 'password') ?? ''
  if (username !== '' && password !== '') return { provider: 'local-userpass', username, password }
  if (username !== '' || password !== '') throw new AppError('MissingParameter', incompleteCredentials, { status: 400 })
  const token = headerOf(request, 'jwttokenstring')
  return token === undefined || token === '' ? undefined : { provider: 'custom-token', token }
}

export interface UserResolution {
  createUserOnAuth: boolean
  fetchCustomUserData: boolean
}

/**
 * The user behind a Data API or endpoint request: a Bearer token, and nothing else when there is one, or credential
 * headers.
 *
 * @throws {AppError} `InvalidSession` (401), `InvalidParameter` or `MissingParameter` (400), status 429
 */
export async function resolveUser(
  context: HostContext,
  request: HostRequest,
  resolution: UserResolution,
): Promise<User> {
  if (request.bearer.state === 'external')
    return userOfProvider(context, request.bearer.claims, resolution.fetchCustomUserData)
  if (request.bearer.state !== 'none') {
    const { user } = await userOfSession(context, request, accessClaims(request))
    return resolution.fetchCustomUserData ? context.users.withCustomData(user) : user
  }
  const credentials = credentialsOf(request)
  if (credentials === undefined) throw new AppError('InvalidParameter', noCredentials, { status: 400 })
  const user = await userOfCredentials(context, request, credentials, resolution.createUserOnAuth)
  return resolution.fetchCustomUserData ? context.users.withCustomData(user) : user
}

async function userOfCredentials(
  context: HostContext,
  request: HostRequest,
  credentials: Credentials,
  createUser: boolean,
): Promise<User> {
  const hooks = createHooks(context, toRequestInfo(request, ''), request.requestId)
  try {
    const options = { createUser, address: request.remoteAddress }
    return (await context.users.login(credentials, options, hooks)).user
  } catch (error) {
    if (!(error instanceof AppError) || error.status !== undefined) throw error
    throw new AppError('InvalidSession', unknownCredentials, { cause: error })
  }
}

/**
 * The user of a verified access token whose session still stands.
 *
 * @throws {AppError} `InvalidSession`
 */
export async function userOfSession(
  context: HostContext,
  request: HostRequest,
  claims: AccessTokenClaims,
): Promise<{ user: User; providerType: string }> {
  const [session, user] = await Promise.all([
    context.users.sessions.find(claims.sessionId, context.users.now()),
    context.users.users.findById(claims.userId).catch(unlessDisabled),
  ])
  if (session === undefined || user === undefined || session.user_id.toHexString() !== claims.userId)
    throw new AppError('InvalidSession', 'invalid session')
  assertKeyAddress(user.keyScope, request.remoteAddress)
  const isKey = session.provider_type === 'api-key'
  return { user: isKey ? { ...user, type: 'server' } : user, providerType: session.provider_type }
}

/** A disabled user's session is over; a database that does not answer says nothing about it. */
function unlessDisabled(error: unknown): undefined {
  if (error instanceof AppError && error.code === 'UserDisabled') return undefined
  throw error
}

/**
 * The user of an identity provider's token, valid until the token ends.
 *
 * @throws {AppError} `InvalidSession`
 */
export async function userOfProvider(context: HostContext, claims: ExternalClaims, withRow = true): Promise<User> {
  if (claims.expiresAt * 1000 + maxToleranceMs < context.users.now().getTime())
    throw new AppError('InvalidSession', 'invalid session')
  return context.externalUsers.resolve(claims, withRow)
}

/** The largest tolerance that a provider may be given; a stream outlives the check in front. */
const maxToleranceMs = 5_000

/**
 * Whoever a Bearer token stands for, on the routes that take nothing else.
 *
 * @throws {UncodedError} without a token; {AppError} `InvalidSession`
 */
export async function userOfBearer(context: HostContext, request: HostRequest): Promise<User> {
  if (request.bearer.state === 'external') return userOfProvider(context, request.bearer.claims)
  const claims = accessClaims(request)
  const { user } = await userOfSession(context, request, claims)
  return claims.userData === undefined ? user : { ...user, custom_data: fromTokenData(claims.userData) }
}
