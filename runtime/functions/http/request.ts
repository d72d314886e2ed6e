import { Binary } from 'bson'
import { AppError } from '../../errors.ts'
import { bytesOf } from '../globals/crypto.ts'
import { stringifyEjson } from '../globals/ejson.ts'
import type { Credentials } from './digest.ts'

/** What `fetch` is called with, before redirects. */
export interface OutboundRequest {
  readonly url: URL
  readonly method: string
  readonly headers: Headers
  readonly body: Uint8Array<ArrayBuffer> | FormData | undefined
  /** What answers a digest challenge; basic credentials are in the headers already. */
  readonly digest?: Credentials
}

type Arguments = Readonly<Record<string, unknown>>

function invalid(message: string): AppError {
  return new AppError('InvalidParameter', `context.http: ${message}`)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function recordArgument(args: Arguments, name: string): Record<string, unknown> {
  const value = args[name]
  if (value === undefined || value === null) return {}
  if (!isRecord(value)) throw invalid(`"${name}" must be an object`)
  return value
}

function listOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).map(String)
}

function targetUrl(args: Arguments): URL {
  const text =
    typeof args.url === 'string' && args.url !== ''
      ? args.url
      : `${String(args.scheme ?? 'http')}://${String(args.host ?? '')}/${String(args.path ?? '').replace(/^\//, '')}`
  if (!URL.canParse(text)) throw invalid('the URL is not valid')
  const url = new URL(text)
  for (const [name, values] of Object.entries(recordArgument(args, 'query')))
    for (const value of listOf(values)) url.searchParams.append(name, value)
  if (typeof args.fragment === 'string') url.hash = args.fragment
  return url
}

/** Takes the credentials out of the URL, which `fetch` refuses, or from the arguments. */
function credentialsOf(url: URL, args: Arguments): Credentials | undefined {
  const username = typeof args.username === 'string' ? args.username : decodeURIComponent(url.username)
  const password = typeof args.password === 'string' ? args.password : decodeURIComponent(url.password)
  url.username = ''
  url.password = ''
  return username === '' && password === '' ? undefined : { username, password }
}

function basicAuthorization({ username, password }: Credentials): string {
  return `Basic ${new Binary(new TextEncoder().encode(`${username}:${password}`)).toString('base64')}`
}

function requestHeaders(args: Arguments, basic: Credentials | undefined): Headers {
  const headers = new Headers()
  try {
    for (const [name, values] of Object.entries(recordArgument(args, 'headers')))
      for (const value of listOf(values)) headers.append(name, value)
    const cookies = Object.entries(recordArgument(args, 'cookies'))
    if (cookies.length > 0)
      headers.append('Cookie', cookies.map(([name, value]) => `${name}=${String(value)}`).join('; '))
  } catch (error) {
    if (error instanceof AppError) throw error
    throw invalid('a header name or value is not valid')
  }
  if (basic !== undefined && !headers.has('Authorization')) headers.set('Authorization', basicAuthorization(basic))
  return headers
}

function formBody(form: Record<string, unknown>): FormData {
  const data = new FormData()
  for (const [name, value] of Object.entries(form)) data.append(name, String(value))
  return data
}

function requestBody(args: Arguments): OutboundRequest['body'] {
  const hasBody = args.body !== undefined && args.body !== null
  if (args.form !== undefined && args.form !== null) {
    if (hasBody) throw invalid('"form" and "body" exclude each other')
    return formBody(recordArgument(args, 'form'))
  }
  if (!hasBody) return undefined
  if (args.encodeBodyAsJSON === true) return new TextEncoder().encode(stringifyEjson(args.body))
  if (typeof args.body !== 'string' && !(args.body instanceof Binary) && !(args.body instanceof Uint8Array))
    throw invalid('"body" must be a string or a BSON.Binary; pass encodeBodyAsJSON: true to send an object')
  return new Uint8Array(bytesOf(args.body, 'the body'))
}

/**
 * Reads the arguments of a `context.http` call (spec: function runtime 6).
 *
 * @throws {AppError} `InvalidParameter`
 */
export function outboundRequest(method: string, value: unknown): OutboundRequest {
  const args = typeof value === 'string' ? { url: value } : value
  if (!isRecord(args)) throw invalid('the argument must be an object with a "url"')
  const url = targetUrl(args)
  const credentials = credentialsOf(url, args)
  const digest = args.digestAuth === true ? credentials : undefined
  const headers = requestHeaders(args, digest === undefined ? credentials : undefined)
  const body = requestBody(args)
  if (args.encodeBodyAsJSON === true && body !== undefined && !headers.has('Content-Type'))
    headers.set('Content-Type', 'application/json')
  return {
    url,
    method,
    headers,
    body: method === 'GET' || method === 'HEAD' ? undefined : body,
    ...(digest === undefined ? {} : { digest }),
  }
}
