import { Binary } from 'bson'

export type HeaderPair = readonly [name: string, value: string]

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/
/** The server frames the message itself. */
const framing = new Set(['content-length', 'transfer-encoding', 'connection', 'keep-alive', 'upgrade', 'te', 'trailer'])

/** What a function set on its `response` argument. */
export interface RecordedResponse {
  status: number | undefined
  headers: HeaderPair[]
  /** As given: a string, a Binary, or anything else a function passed. Undefined: `setBody` was not called. */
  body: unknown
  hasBody: boolean
}

/** What a function gets: its setters return it, since public apps chain them: `response.setStatusCode(200).setBody(...)`. */
export interface ChainedResponse {
  setStatusCode(status: unknown): ChainedResponse
  setBody(body: unknown): ChainedResponse
  setHeader(name: unknown, value: unknown): ChainedResponse
  addHeader(name: unknown, value: unknown): ChainedResponse
}

/** `response` of an endpoint's function: it records, and stops recording when the function is done. */
export function createResponseRecorder() {
  const recorded: RecordedResponse = { status: undefined, headers: [], body: undefined, hasBody: false }
  let isOpen = true

  function checkedHeader(name: unknown, value: unknown): HeaderPair {
    const pair = [String(name), String(value)] as const
    if (!token.test(pair[0])) throw new TypeError(`invalid header name "${pair[0]}"`)
    if (!fieldValue.test(pair[1])) throw new TypeError(`invalid value of header "${pair[0]}"`)
    return pair
  }

  const without = (name: string) => recorded.headers.filter(([key]) => key.toLowerCase() !== name.toLowerCase())

  const response: ChainedResponse = {
    setStatusCode(status: unknown) {
      const code = Number(status)
      if (!Number.isInteger(code) || code < 200 || code > 599)
        throw new TypeError('setStatusCode: the status must be an integer from 200 to 599')
      if (isOpen) recorded.status = code
      return response
    },
    setBody(body: unknown) {
      if (isOpen) {
        recorded.body = body
        recorded.hasBody = true
      }
      return response
    },
    setHeader(name: unknown, value: unknown) {
      const pair = checkedHeader(name, value)
      if (isOpen && !framing.has(pair[0].toLowerCase())) recorded.headers = [...without(pair[0]), pair]
      return response
    },
    addHeader(name: unknown, value: unknown) {
      const pair = checkedHeader(name, value)
      if (isOpen && !framing.has(pair[0].toLowerCase())) recorded.headers.push(pair)
      return response
    },
  }

  return {
    recorded,
    response,
    close(): void {
      isOpen = false
    },
  }
}

/** The bytes of a body that goes out as it is; undefined for a value that has to be serialised first. */
export function rawBytes(body: unknown): Uint8Array | undefined {
  if (typeof body === 'string') return new TextEncoder().encode(body)
  if (body instanceof Binary) return body.value()
  if (body instanceof Uint8Array) return body
  return undefined
}
