import { AppError } from '../../../runtime/errors.ts'
import type { Flow } from '../../../runtime/users/oauth/flows.ts'
import { isOAuthProvider } from '../../../runtime/users/oauth/index.ts'
import { isAllowedRedirect } from '../../../runtime/users/oauth/provider-config.ts'
import { providerNotFound } from '../../../runtime/users/user-service.ts'
import { type HostRequest, headerOf } from '../../host-request.ts'
import type { HostContext } from '../host-context.ts'
import { userOfSession } from '../resolve-user.ts'
import { callbackPath, flowCookie } from './flow-cookie.ts'
import { accessClaims } from './refusals.ts'

const maxClientStateLength = 512

/**
 * `GET .../auth/providers/<provider>/login?redirect=&state=`: sends the browser to the identity provider. With
 * `link=true` and an access token the identity will be added to that user; with `providerRedirectHeader=true` the
 * address goes into `X-Baas-Location` of a 200, for a script that cannot follow.
 */
export async function handleOAuthStart(context: HostContext, request: HostRequest, type: string): Promise<Response> {
  const provider = context.users.provider(type)
  if (provider === undefined || !isOAuthProvider(type)) throw providerNotFound(type)
  const query = new URLSearchParams(request.rawQuery)
  const linkTo = query.get('link') === 'true' ? await linkingUser(context, request) : undefined
  // Without one, the page that the request came from (App Services docs).
  const redirect = query.get('redirect') ?? headerOf(request, 'referer') ?? ''
  // Refused here and not by a redirect: nothing is sent to an address that the app does not name.
  if (!isAllowedRedirect(provider, redirect))
    throw new AppError('InvalidParameter', 'the redirect URI is not one of the allowed ones', { status: 400 })
  const clientState = query.get('state') ?? undefined
  if (clientState !== undefined && clientState.length > maxClientStateLength)
    throw new AppError('InvalidParameter', `'state' is longer than ${maxClientStateLength} characters`, { status: 400 })
  const callbackUrl = `${request.origin}${callbackPath}`
  const client = context.users.oauthClient(type)
  const started = await context.oauthFlows.start({ provider: type, redirect, clientState, callbackUrl, linkTo })
  const { flow, state, codeChallenge } = started
  const url = client.authorizationUrl({ callbackUrl, state, codeChallenge, nonce: flow.nonce })
  const headers = { 'Set-Cookie': flowCookie(flow), 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' }
  return query.get('providerRedirectHeader') === 'true'
    ? new Response(null, { status: 200, headers: { ...headers, 'X-Baas-Location': url } })
    : new Response(null, { status: 302, headers: { ...headers, Location: url } })
}

/** @throws {AppError} `InvalidSession`, `InvalidParameter`; {UncodedError} without a token */
async function linkingUser(context: HostContext, request: HostRequest): Promise<Flow['linkTo']> {
  if (request.bearer.state === 'external')
    throw new AppError('InvalidParameter', 'accounts of an identity provider are linked there', { status: 400 })
  const claims = accessClaims(request)
  const { user } = await userOfSession(context, request, claims)
  if (user.type === 'server') throw new AppError('InvalidParameter', 'API keys cannot be linked', { status: 400 })
  return { userId: claims.userId, sessionId: claims.sessionId }
}
