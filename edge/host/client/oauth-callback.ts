import { AppError } from '../../../runtime/errors.ts'
import type { Flow } from '../../../runtime/users/oauth/flows.ts'
import { toErrorAnswer } from '../../error-body.ts'
import type { HostRequest } from '../../host-request.ts'
import { createHooks } from '../hooks.ts'
import type { HostContext } from '../host-context.ts'
import { toRequestInfo } from '../request-info.ts'
import { browserKeyOf, clearedFlowCookie } from './flow-cookie.ts'
import { issueSession, type SessionAnswer } from './issue-session.ts'

/**
 * `/auth/callback`: an identity provider has sent the browser back, by GET or (Apple) with a form. The browser goes on
 * to the app's page, with what `Realm.handleAuthRedirect` reads in the fragment: it stays out of logs and referrers.
 *
 * @throws {AppError} `AuthError` for a `state` that this app did not make or that has expired: nothing says then which
 *   page to go on to
 */
export async function handleOAuthCallback(context: HostContext, request: HostRequest): Promise<Response> {
  const text = request.method === 'POST' ? new TextDecoder().decode(request.body) : request.rawQuery
  const answer = new URLSearchParams(text)
  const flow = await context.oauthFlows.open(answer.get('state') ?? '')
  if (flow === undefined) throw new AppError('AuthError', 'this login was not started here or has expired')
  const result = new URLSearchParams({ _baas_client_app_id: context.runtime.built.definition.clientAppId })
  if (flow.clientState !== undefined) result.set('_baas_state', flow.clientState)
  if (flow.linkTo !== undefined) result.set('_baas_link', 'true')
  try {
    const session = await finish(context, request, flow, answer)
    result.set('_baas_ua', toUserAuth(session))
  } catch (error) {
    logRefusal(context, request, flow, error)
    result.set('_baas_error', toErrorAnswer(error).error)
  }
  return new Response(null, {
    status: 302,
    headers: {
      Location: withFragment(flow.redirect, result),
      'Set-Cookie': clearedFlowCookie(flow),
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'no-referrer',
    },
  })
}

/** @throws {AppError} what any login is refused for; `AuthError` when the person or the provider has declined */
async function finish(
  context: HostContext,
  request: HostRequest,
  flow: Flow,
  answer: URLSearchParams,
): Promise<SessionAnswer> {
  const { provider, linkTo, callbackUrl, codeVerifier, nonce } = flow
  if (!(await context.oauthFlows.spend(flow, browserKeyOf(request, flow))))
    throw new AppError('AuthError', 'this login was started by another browser, or was used before')
  const code = answer.get('code') ?? ''
  if (code === '') {
    const declined = answer.get('error') ?? ''
    throw new AppError('AuthError', /^[\w.-]{1,64}$/.test(declined) ? declined : 'the identity provider refused')
  }
  if (linkTo !== undefined) await assertSession(context, linkTo)
  const hooks = createHooks(context, toRequestInfo(request, ''), request.requestId)
  const login = await context.users.login(
    { provider, proof: { kind: 'code', grant: { code, callbackUrl, codeVerifier, nonce } } },
    { createUser: true, address: request.remoteAddress, ...(linkTo !== undefined && { linkTo: linkTo.userId }) },
    hooks,
  )
  return issueSession(context, login)
}

/** A user who has logged out, or was deleted, in the meantime links nothing. */
async function assertSession({ users }: HostContext, linkTo: NonNullable<Flow['linkTo']>): Promise<void> {
  const session = await users.sessions.find(linkTo.sessionId, users.now())
  if (session?.user_id.toHexString() !== linkTo.userId || (await users.users.findById(linkTo.userId)) === undefined)
    throw new AppError('InvalidSession', 'invalid session')
}

/** The four parts that the Web SDK takes apart. */
function toUserAuth({ access_token, refresh_token, user_id, device_id }: SessionAnswer): string {
  return [access_token, refresh_token, user_id, device_id].join('$')
}

/** The Web SDK decodes percent signs and no plus signs. */
function withFragment(redirect: string, result: URLSearchParams): string {
  return `${redirect}${redirect.includes('#') ? '&' : '#'}${result.toString().replaceAll('+', '%20')}`
}

/** The answer is a redirect, which no other place logs. */
function logRefusal({ runtime }: HostContext, request: HostRequest, flow: Flow, error: unknown): void {
  const answer = toErrorAnswer(error)
  const isOwnFault = answer.status >= 500 && error instanceof Error
  runtime.options.log({
    type: 'auth',
    status: 'error',
    name: flow.provider,
    requestId: request.requestId,
    error: isOwnFault ? error.message : answer.error,
    ...(isOwnFault && error.stack !== undefined && { stack: error.stack }),
    ...(error instanceof AppError && error.detail !== undefined && { detail: error.detail }),
  })
}
