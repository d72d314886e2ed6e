import type { Document } from 'bson'
import { entriesOf, getField } from '../../../runtime/ejson/index.ts'
import { AppError } from '../../../runtime/errors.ts'
import { setOwn, toFunctionValue } from '../../../runtime/functions/values.ts'
import { isOAuthProvider } from '../../../runtime/users/oauth/index.ts'
import type { OAuthProof } from '../../../runtime/users/oauth/oauth-client.ts'
import { type Credentials, providerNotFound } from '../../../runtime/users/user-service.ts'
import type { HostRequest } from '../../host-request.ts'
import { jsonAnswer } from '../answers.ts'
import { createHooks } from '../hooks.ts'
import type { HostContext } from '../host-context.ts'
import { toRequestInfo } from '../request-info.ts'
import { userOfSession } from '../resolve-user.ts'
import { readDocument, textField } from './body.ts'
import { issueSession } from './issue-session.ts'
import { accessClaims } from './refusals.ts'

/** `POST .../auth/providers/<provider>/login`, with `?link=true` for the user of the access token. */
export async function handleLogin(context: HostContext, request: HostRequest, provider: string): Promise<Response> {
  if (context.users.provider(provider) === undefined) throw providerNotFound(provider)
  const credentials = readCredentials(provider, readDocument(request))
  const hooks = createHooks(context, toRequestInfo(request, request.rawQuery), request.requestId)
  const options = { createUser: true, address: request.remoteAddress }
  if (new URLSearchParams(request.rawQuery).get('link') !== 'true')
    return jsonAnswer(await issueSession(context, await context.users.login(credentials, options, hooks)))

  if (request.bearer.state === 'external')
    throw new AppError('InvalidParameter', 'accounts of an identity provider are linked there', { status: 400 })
  const claims = accessClaims(request)
  const { user } = await userOfSession(context, request, claims)
  if (user.type === 'server' || provider === 'api-key')
    throw new AppError('InvalidParameter', 'API keys cannot be linked', { status: 400 })
  const linked = await context.users.login(credentials, { ...options, linkTo: user.id }, hooks).catch(asLinkRefusal)
  return jsonAnswer(await issueSession(context, linked))
}

/**
 * The Web SDK takes 401 with the text "unauthorized" on a call with a session for an expired token: it would refresh and
 * try the same wrong password for ever. The older texts end there.
 */
function asLinkRefusal(error: unknown): never {
  if (!(error instanceof AppError) || error.message !== 'unauthorized') throw error
  const message = error.code === 'InvalidPassword' ? 'invalid username/password' : 'Authentication failed'
  throw new AppError(error.code, message, { cause: error, ...(error.detail && { detail: error.detail }) })
}

/** @throws {AppError} 401 for credentials that are not text: an operator object is a wrong password, not an error */
function readCredentials(provider: string, body: Document): Credentials {
  const text = (name: string) => {
    const value = textField(body, name)
    if (value === undefined)
      throw new AppError(provider === 'local-userpass' ? 'InvalidPassword' : 'AuthError', 'unauthorized')
    return value
  }
  switch (provider) {
    case 'anon-user':
      return { provider }
    case 'api-key':
      return { provider, key: text('key') }
    case 'local-userpass':
      return { provider, username: text('username'), password: text('password') }
    case 'custom-token':
      return { provider, token: textField(body, 'token') ?? text('key') }
    case 'custom-function':
      return { provider, payload: toPayload(body) }
    default:
      if (isOAuthProvider(provider)) return { provider, proof: readProof(body) }
      throw new AppError('AuthProviderNotFound', `authentication provider '${provider}' is not supported`)
  }
}

/** @throws {AppError} `AuthError` */
function readProof(body: Document): OAuthProof {
  const idToken = textField(body, 'id_token')
  if (idToken !== undefined) return { kind: 'id-token', token: idToken }
  const accessToken = textField(body, 'accessToken')
  if (accessToken !== undefined) return { kind: 'access-token', token: accessToken }
  const code = textField(body, 'authCode')
  if (code !== undefined) return { kind: 'code', grant: { code } }
  throw new AppError('AuthError', 'expected payload to have one of: accessToken, id_token or authCode')
}

/** The argument of the authentication function: the body without what SDKs add about the device. */
function toPayload(body: Document): Document {
  const payload: Record<string, unknown> = {}
  for (const [name, value] of entriesOf(body)) {
    const isDevice = name === 'options' && typeof value === 'object' && value !== null && hasDevice(value)
    if (!isDevice) setOwn(payload, name, toFunctionValue(value))
  }
  return payload
}

function hasDevice(options: Document): boolean {
  return getField(options, 'device') !== undefined
}
