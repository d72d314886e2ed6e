import { executeEndpoint } from '../../runtime/endpoints/execute-endpoint.ts'
import { withoutPair } from '../../runtime/endpoints/query.ts'
import { AppError } from '../../runtime/errors.ts'
import { systemUser, type User } from '../../runtime/user.ts'
import type { Endpoint } from '../../schemas/app/definition.ts'
import { chooseFormat } from '../format.ts'
import { type HostRequest, headerOf } from '../host-request.ts'
import { assertCanEvaluate, assertValidation } from './authorize.ts'
import type { HostContext } from './host-context.ts'
import { toRequestInfo } from './request-info.ts'
import { resolveUser } from './resolve-user.ts'

/** Serves one HTTPS endpoint: authenticate, authorize, run, respond (spec: HTTPS endpoints 3). */
export async function handleEndpoint(
  context: HostContext,
  request: HostRequest,
  endpoint: Endpoint,
): Promise<Response> {
  const settings = context.runtime.built.definition.functions.find(({ name }) => name === endpoint.function_name)
  const needsNoCredentials =
    settings !== undefined &&
    (settings.run_as_system || settings.run_as_user_id !== '' || settings.run_as_user_id_script !== '')
  if (needsNoCredentials) await assertValidation(context, request, endpoint)
  const user = needsNoCredentials
    ? await optionalUser(context, request, endpoint)
    : await resolveUser(context, request, resolutionOf(endpoint))
  if (!needsNoCredentials) await assertValidation(context, request, endpoint)

  const rawQuery =
    endpoint.validation_method === 'SECRET_AS_QUERY_PARAM' ? withoutPair(request.rawQuery, 'secret') : request.rawQuery
  const caller = {
    user,
    runAsSystem: false,
    request: toRequestInfo(request, rawQuery, { webhookUrl: endpoint.route, action: endpoint.function_name }),
    requestId: request.requestId,
  }
  await assertCanEvaluate(context, endpoint.can_evaluate, caller, endpoint.function_name)
  const format = chooseFormat(headerOf(request, 'accept'), endpoint.return_type)
  const answer = await executeEndpoint(context.runtime, endpoint, { rawQuery, body: request.body, format }, caller)
  const headers = new Headers()
  for (const [name, value] of answer.headers) headers.append(name, value)
  if (answer.body !== undefined) headers.set('Content-Length', String(answer.body.length))
  else if (answer.status !== 204 && answer.status !== 304) headers.set('Content-Length', '0')
  return new Response(answer.body === undefined ? null : new Uint8Array(answer.body), {
    status: answer.status,
    headers,
  })
}

function resolutionOf(endpoint: Endpoint) {
  return {
    createUserOnAuth: endpoint.create_user_on_auth,
    fetchCustomUserData: endpoint.fetch_custom_user_data,
  }
}

/** A function with an identity of its own serves anyone; a caller who proves to be somebody is still named to it. */
async function optionalUser(context: HostContext, request: HostRequest, endpoint: Endpoint): Promise<User> {
  try {
    return await resolveUser(context, request, resolutionOf(endpoint))
  } catch (error) {
    if (error instanceof AppError && error.status !== 503) return systemUser
    throw error
  }
}
