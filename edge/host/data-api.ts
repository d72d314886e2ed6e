import type { Caller } from '../../runtime/caller.ts'
import { type ActionName, executeAction } from '../../runtime/data-api/index.ts'
import { parseEjsonDocument } from '../../runtime/ejson/index.ts'
import { functionRequest } from '../../runtime/endpoints/execute-endpoint.ts'
import { withoutPair } from '../../runtime/endpoints/query.ts'
import { AppError } from '../../runtime/errors.ts'
import { systemUser } from '../../runtime/user.ts'
import type { DataApiConfig } from '../../schemas/app/definition.ts'
import { chooseFormat, contentTypes } from '../format.ts'
import { type HostRequest, headerOf } from '../host-request.ts'
import { bytesAnswer } from './answers.ts'
import { assertCanEvaluate, assertValidation } from './authorize.ts'
import type { HostContext } from './host-context.ts'
import { toRequestInfo } from './request-info.ts'
import { resolveUser } from './resolve-user.ts'

/** Serves one Data API action (spec: Data API 2 to 5). */
export async function handleDataApi(context: HostContext, request: HostRequest, action: ActionName): Promise<Response> {
  const config = context.runtime.built.definition.dataApi
  if (config === undefined) throw new AppError('FunctionNotFound', 'the Data API is not enabled')
  if (config.run_as_system) await assertValidation(context, request, config)
  const caller = await resolveCaller(context, request, config, action)
  if (!config.run_as_system) await assertValidation(context, request, config)
  await assertCanEvaluate(context, config.can_evaluate, caller, action)
  const format = chooseFormat(headerOf(request, 'accept'), config.return_type)
  const body = parseEjsonDocument(new TextDecoder().decode(request.body))
  if (config.log_function_arguments) logArguments(context, request, action)
  const result = await executeAction(context.runtime, caller, action, body)
  return bytesAnswer(result.write(format), contentTypes[format], result.inserted ? 201 : 200)
}

const maxLoggedBytes = 512

function logArguments(context: HostContext, request: HostRequest, action: ActionName): void {
  const text = new TextDecoder().decode(request.body.subarray(0, maxLoggedBytes))
  context.runtime.options.log({
    type: 'data-api',
    status: 'ok',
    name: action,
    requestId: request.requestId,
    detail: { arguments: text },
  })
}

async function resolveCaller(
  context: HostContext,
  request: HostRequest,
  config: DataApiConfig,
  action: string,
): Promise<Caller> {
  const rawQuery =
    config.validation_method === 'SECRET_AS_QUERY_PARAM' ? withoutPair(request.rawQuery, 'secret') : request.rawQuery
  const caller = { request: toRequestInfo(request, rawQuery, { action }), requestId: request.requestId }
  const asSystem: Caller = { ...caller, user: systemUser, runAsSystem: true }
  if (config.run_as_system) return asSystem
  let userId = config.run_as_user_id
  if (userId === '' && config.run_as_user_id_script !== '') {
    // Undocumented: public apps put the script of their endpoints here, which reads the query.
    const argument = functionRequest({ rawQuery, body: request.body }, caller)
    const answer = await context.runtime.callFunction(config.run_as_user_id_script, [argument], asSystem, 'system')
    if (typeof answer === 'object' && answer !== null && 'runAsSystem' in answer && answer.runAsSystem === true)
      return asSystem
    if (typeof answer !== 'string')
      throw new AppError(
        'FunctionExecutionError',
        'the run-as script returned neither a user id nor { runAsSystem: true }',
      )
    userId = answer
  }
  if (userId !== '') {
    const user = await context.users.users.findById(userId)
    if (user === undefined) throw new AppError('UserNotFound', 'the user that the Data API runs as was not found')
    return {
      ...caller,
      user: config.fetch_custom_user_data ? await context.users.withCustomData(user) : user,
      runAsSystem: false,
    }
  }
  const user = await resolveUser(context, request, {
    createUserOnAuth: config.create_user_on_auth,
    fetchCustomUserData: config.fetch_custom_user_data,
  })
  return { ...caller, user, runAsSystem: false }
}
