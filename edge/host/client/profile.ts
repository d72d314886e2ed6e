import { EJSON } from 'bson'
import { AppError } from '../../../runtime/errors.ts'
import type { HostRequest } from '../../host-request.ts'
import { emptyAnswer, jsonAnswer } from '../answers.ts'
import { createHooks } from '../hooks.ts'
import type { HostContext } from '../host-context.ts'
import { toRequestInfo } from '../request-info.ts'
import { userOfBearer, userOfSession } from '../resolve-user.ts'
import { accessClaims } from './refusals.ts'

/** `GET /auth/profile` */
export async function handleProfile(context: HostContext, request: HostRequest): Promise<Response> {
  const user = await userOfBearer(context, request)
  return jsonAnswer({
    user_id: user.id,
    domain_id: context.runtime.built.definition.appId,
    type: user.type,
    identities: EJSON.serialize([...user.identities], { relaxed: false }),
    data: EJSON.serialize(user.data, { relaxed: false }),
  })
}

/** `DELETE /auth/delete`: the caller's own account, when it is kept here. */
export async function handleDeleteUser(context: HostContext, request: HostRequest): Promise<Response> {
  if (request.bearer.state === 'external')
    throw new AppError('BadRequest', 'this account is kept by an identity provider; delete it there')
  const { user } = await userOfSession(context, request, accessClaims(request))
  await context.users.deleteUser(user, createHooks(context, toRequestInfo(request, ''), request.requestId))
  return emptyAnswer(204)
}
