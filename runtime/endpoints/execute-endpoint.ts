import type { Endpoint, ReturnType } from '../../schemas/app/definition.ts'
import type { Caller } from '../caller.ts'
import { createBody } from '../functions/globals/binary.ts'
import { caseInsensitiveHeaders } from '../functions/http/headers.ts'
import type { Runtime } from '../runtime.ts'
import { firstValues, parseQuery } from './query.ts'
import { createResponseRecorder, type HeaderPair, type RecordedResponse, rawBytes } from './response-recorder.ts'
import { serializeResult } from './serialize-result.ts'

/** What the caller of an endpoint sent; `caller.request` carries the rest. */
export interface EndpointCall {
  /** Without the `secret` pair. */
  readonly rawQuery: string
  readonly body: Uint8Array
  /** Format of a returned value. */
  readonly format: ReturnType
}

export interface EndpointAnswer {
  status: number
  headers: HeaderPair[]
  /** Undefined: no body, and no content type. */
  body: Uint8Array | undefined
}

const contentTypes: Record<ReturnType, string> = { JSON: 'application/json', EJSON: 'application/ejson' }

/** The `request` argument of endpoint functions, and of scripts that choose whom a request runs as. */
export function functionRequest(call: Pick<EndpointCall, 'rawQuery' | 'body'>, caller: Pick<Caller, 'request'>) {
  return {
    query: firstValues(parseQuery(call.rawQuery)),
    headers: caseInsensitiveHeaders(caller.request.requestHeaders ?? {}),
    body: call.body.length === 0 ? undefined : createBody(call.body),
  }
}

/**
 * Runs an endpoint's function with `(request, response)` and turns what it returned or set into an answer
 * (spec: HTTPS endpoints 4 and 5).
 *
 * @throws {AppError} as `Runtime.callFunction`; what the function had set on its response is dropped
 */
export async function executeEndpoint(
  runtime: Runtime,
  endpoint: Endpoint,
  call: EndpointCall,
  caller: Caller,
): Promise<EndpointAnswer> {
  const recorder = createResponseRecorder()
  const request = functionRequest(call, caller)
  let result: unknown
  try {
    result = await runtime.callFunction(endpoint.function_name, [request, recorder.response], caller, 'endpoint')
  } finally {
    recorder.close()
  }
  const { recorded } = recorder
  if (!endpoint.respond_result) return withoutBody(recorded.status ?? 204, recorded.headers)
  const status = recorded.status ?? 200
  if (hasNoBody(status)) return withoutBody(status, recorded.headers)
  if (recorded.hasBody) return answerWithBody(runtime, endpoint, recorded, status, call.format, caller)
  if (result === undefined) return { status, headers: recorded.headers, body: undefined }
  return {
    status,
    headers: withContentType(recorded.headers, contentTypes[call.format]),
    body: new TextEncoder().encode(serializeResult(result, call.format)),
  }
}

function answerWithBody(
  runtime: Runtime,
  endpoint: Endpoint,
  recorded: RecordedResponse,
  status: number,
  format: ReturnType,
  caller: Caller,
): EndpointAnswer {
  const bytes = rawBytes(recorded.body)
  if (bytes !== undefined)
    return { status, headers: withContentType(recorded.headers, sniffContentType(bytes)), body: bytes }
  runtime.options.log({
    type: 'endpoint',
    status: 'ok',
    name: endpoint.function_name,
    requestId: caller.requestId,
    logs: ['setBody was given neither a string nor a Binary; the value was serialised'],
  })
  return {
    status,
    headers: withContentType(recorded.headers, contentTypes[format]),
    body: new TextEncoder().encode(serializeResult(recorded.body, format)),
  }
}

function withoutBody(status: number, headers: HeaderPair[]): EndpointAnswer {
  return { status, headers: headers.filter(([name]) => name.toLowerCase() !== 'content-type'), body: undefined }
}

const hasNoBody = (status: number) => status === 204 || status === 205 || status === 304

function withContentType(headers: HeaderPair[], contentType: string): HeaderPair[] {
  const isSet = headers.some(([name]) => name.toLowerCase() === 'content-type')
  return isSet ? headers : [...headers, ['Content-Type', contentType]]
}

/** The original's choice is not documented: JSON where the body is a JSON object or array, else text. */
function sniffContentType(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes)
  if (!/^\s*[[{]/.test(text)) return 'text/plain; charset=utf-8'
  try {
    JSON.parse(text)
    return 'application/json'
  } catch {
    return 'text/plain; charset=utf-8'
  }
}
