import type { HostRequest } from '../../host-request.ts'
import { emptyAnswer, jsonAnswer } from '../answers.ts'
import type { HostContext } from '../host-context.ts'
import { issueAccessToken } from './issue-session.ts'
import { noRefreshToken, refreshClaims } from './refusals.ts'

/** `POST /auth/session` trades a refresh token for an access token; `DELETE` ends the login. */
export async function handleSession(
  context: HostContext,
  request: HostRequest,
  method: 'POST' | 'DELETE',
): Promise<Response> {
  const { sessionId, userId } = refreshClaims(request)
  const session = await context.users.sessions.find(sessionId, context.users.now())
  if (session === undefined || session.user_id.toHexString() !== userId) throw noRefreshToken()
  if (method === 'DELETE') {
    await context.users.sessions.end(sessionId)
    return emptyAnswer(204)
  }
  const user = await context.users.users.findById(userId)
  if (user === undefined) throw noRefreshToken()
  return jsonAnswer({ access_token: await issueAccessToken(context, user, sessionId) }, 201)
}
