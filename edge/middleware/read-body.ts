import type { Context, MiddlewareHandler } from 'hono'
import type { EdgeEnv } from '../edge-env.ts'
import { errorResponse } from '../error-body.ts'

export const maxRequestBytes = 18 * 1024 * 1024
// A client that is still sending would see a broken connection instead of the answer.
const maxDiscardedBytes = 64 * 1024 * 1024

/** The stream of a request's body, for hosts whose `Request` has none on a GET. */
export type BodySource = (c: Context<EdgeEnv>) => AsyncIterable<Uint8Array> | null

/** Reads the body once. Body and headers together may have 18 MB; more is answered with 413. */
export const readBody = (source: BodySource): MiddlewareHandler<EdgeEnv> =>
  async function readBody(c, next) {
    const body = await readLimited(source(c), maxRequestBytes - headerBytes(c.req.raw.headers))
    if (body === undefined) {
      const error = 'request body exceeds the limit of 18 MB'
      c.res = errorResponse({ status: 413, error, error_code: 'BadRequest', retryAfterSeconds: undefined }, undefined)
      return
    }
    c.set('body', body)
    await next()
  }

function headerBytes(headers: Headers): number {
  let bytes = 0
  headers.forEach((value, name) => {
    bytes += name.length + value.length + 4
  })
  return bytes
}

/** The bytes, or undefined when there are more than `limit`. */
async function readLimited(stream: AsyncIterable<Uint8Array> | null, limit: number): Promise<Uint8Array | undefined> {
  if (stream === null) return new Uint8Array()
  let chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stream) {
    size += chunk.length
    if (size <= limit) chunks.push(chunk)
    else chunks = []
    if (size > maxDiscardedBytes) return undefined
  }
  if (size > limit) return undefined
  const [only] = chunks
  if (chunks.length === 1 && only !== undefined) return only
  const body = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    body.set(chunk, offset)
    offset += chunk.length
  }
  return body
}
