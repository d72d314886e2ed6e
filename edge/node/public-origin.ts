import type { Context } from 'hono'

export interface PublicOriginOptions {
  /** Scheme and host that clients use. Default: those of each request. */
  readonly origin?: string
  /** The proxy in front is ours: what it says of the scheme counts. */
  readonly trustProxy?: boolean
}

/**
 * A way to tell under which scheme and host a client called: addresses that leave this server, as those that an identity
 * provider sends a browser back to, must reach the proxy in front.
 *
 * @throws {TypeError} when `origin` is not a scheme and a host
 */
export function createPublicOrigin({ origin, trustProxy = false }: PublicOriginOptions): (c: Context) => string {
  const fixed = origin === undefined ? undefined : parseOrigin(origin)
  return (c) => {
    if (fixed !== undefined) return fixed
    const url = new URL(c.req.url)
    // The last one is the word of the proxy that is next to us.
    const scheme = trustProxy ? c.req.header('x-forwarded-proto')?.split(',').at(-1)?.trim().toLowerCase() : undefined
    return scheme === 'https' || scheme === 'http' ? new URL(`${scheme}://${url.host}`).origin : url.origin
  }
}

/** @throws {TypeError} when the text is not a scheme and a host */
export function parseOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isOrigin = url !== undefined && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href
  if (!isOrigin)
    throw new TypeError(`"${text}" is no origin: write a scheme and a host, such as https://edge.example.com`)
  return url.origin
}
