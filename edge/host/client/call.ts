import type { Document } from 'bson'
import type { Caller } from '../../../runtime/caller.ts'
import { getField, parseEjsonDocument } from '../../../runtime/ejson/index.ts'
import { serializeResult } from '../../../runtime/endpoints/serialize-result.ts'
import { AppError } from '../../../runtime/errors.ts'
import type { HostRequest } from '../../host-request.ts'
import { textAnswer } from '../answers.ts'
import type { HostContext } from '../host-context.ts'
import { toRequestInfo } from '../request-info.ts'
import { userOfBearer } from '../resolve-user.ts'
import { readDocument } from './body.ts'
import { assertBearer } from './refusals.ts'
import { callService } from './service-call.ts'
import { streamWatch } from './watch.ts'

interface FunctionCall {
  name: string
  args: unknown[]
  service: string | undefined
}

/** `POST .../functions/call`, or GET with the call in the query for streams (spec: function runtime 10). */
export async function handleCall(context: HostContext, request: HostRequest): Promise<Response> {
  assertBearer(request)
  const call = toCall(request.method === 'GET' ? callInQuery(request) : readDocument(request))
  const action = call.service === undefined ? { action: call.name } : { action: call.name, service: call.service }
  const caller: Caller = {
    user: await userOfBearer(context, request),
    runAsSystem: false,
    request: toRequestInfo(request, '', action),
    requestId: request.requestId,
  }
  if (request.method === 'GET') {
    if (call.service === undefined || call.name !== 'watch')
      throw new AppError('ServiceCommandNotFound', `'${call.name}' is not a stream`)
    return streamWatch(context, request, caller, call.service, call.args)
  }
  const result =
    call.service === undefined
      ? await context.runtime.callFunction(call.name, call.args, caller, 'client')
      : await callService(context.runtime, caller, call.service, call.name, call.args)
  return textAnswer(result === undefined ? 'null' : serializeResult(result, 'EJSON'), 'application/json')
}

function callInQuery(request: HostRequest): Document {
  const encoded = new URLSearchParams(request.rawQuery).get('baas_request')
  if (encoded === null) throw new AppError('MissingParameter', "the query must have 'baas_request'")
  try {
    // A plus sign in a query is a space.
    const bytes = Uint8Array.from(atob(encoded.replaceAll(' ', '+')), (char) => char.charCodeAt(0))
    return parseEjsonDocument(new TextDecoder().decode(bytes))
  } catch (error) {
    throw new AppError('BadRequest', "'baas_request' is not base64 of a JSON object", { cause: error })
  }
}

/** @throws {AppError} `MissingParameter`, `BadRequest` */
function toCall(body: Document): FunctionCall {
  const name = getField(body, 'name')
  const args = getField(body, 'arguments') ?? []
  const service = getField(body, 'service') ?? undefined
  if (typeof name !== 'string' || name === '') throw new AppError('MissingParameter', "'name' is a required string")
  if (!Array.isArray(args)) throw new AppError('BadRequest', "'arguments' must be an array")
  if (service !== undefined && typeof service !== 'string')
    throw new AppError('BadRequest', "'service' must be a string")
  return { name, args, service: service === '' ? undefined : service }
}
