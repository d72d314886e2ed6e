import type { RequestInfo } from '../../runtime/caller.ts'
import { canonicalHeaderName } from '../../runtime/functions/http/headers.ts'
import { setOwn } from '../../runtime/functions/values.ts'
import { type HostRequest, headerOf } from '../host-request.ts'

/** `context.request` of a request; `rawQuery` is given apart because the secret pair is taken out first. */
export function toRequestInfo(request: HostRequest, rawQuery: string, extra: RequestInfo = {}): RequestInfo {
  const requestHeaders: Record<string, string[]> = {}
  for (const [name, value] of request.headers) {
    const canonical = canonicalHeaderName(name)
    const values = Object.hasOwn(requestHeaders, canonical) ? requestHeaders[canonical] : undefined
    if (values === undefined) setOwn(requestHeaders, canonical, [value])
    else values.push(value)
  }
  const httpReferrer = headerOf(request, 'referer')
  const httpUserAgent = headerOf(request, 'user-agent')
  return {
    remoteIPAddress: request.remoteAddress,
    requestHeaders,
    httpMethod: request.method,
    rawQueryString: rawQuery,
    ...(httpReferrer !== undefined && { httpReferrer }),
    ...(httpUserAgent !== undefined && { httpUserAgent }),
    ...extra,
  }
}
