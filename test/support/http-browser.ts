import type { IdentityProviders } from './identity-providers.ts'

const maxSteps = 10

/** What a browser does between a click and the page where it ends: redirects, forms that send themselves, cookies. */
export function createHttpBrowser(providers: IdentityProviders) {
  const cookies = new Map<string, { value: string; path: string }>()

  function remember(response: Response, origin: string): void {
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
      const [name = '', value = ''] = pair.split('=')
      const path = attributes.find((attribute) => attribute.startsWith('Path='))?.slice(5) ?? '/'
      if (attributes.includes('Max-Age=0')) cookies.delete(`${origin} ${name}`)
      else cookies.set(`${origin} ${name}`, { value, path })
    }
  }

  function cookieHeader({ origin, pathname }: URL): Record<string, string> {
    const pairs = [...cookies]
      .filter(([key, { path }]) => key.startsWith(`${origin} `) && pathname.startsWith(path))
      .map(([key, { value }]) => `${key.split(' ')[1]}=${value}`)
    return pairs.length === 0 ? {} : { Cookie: pairs.join('; ') }
  }

  /** As a page's `fetch` with `credentials: 'include'`. */
  async function send(input: string | URL, init: RequestInit = {}): Promise<Response> {
    const url = new URL(input)
    const headers = new Headers(init.headers)
    for (const [name, value] of Object.entries(cookieHeader(url))) headers.set(name, value)
    const request = new Request(url, { ...init, headers, redirect: 'manual' })
    const response = (await providers.handle(request)) ?? (await fetch(request))
    remember(response, url.origin)
    return response
  }

  return {
    cookies,
    send,
    /** Follows until a page of `landing` or a page that goes nowhere; `trail` holds each address on the way. */
    async visit(start: string, landing: string): Promise<{ url: URL; status: number; trail: string[] }> {
      let next: { url: string; init?: RequestInit } = { url: start }
      const trail: string[] = []
      for (let step = 0; step < maxSteps; step++) {
        trail.push(next.url)
        if (next.url.startsWith(landing)) return { url: new URL(next.url), status: 200, trail }
        const response = await send(next.url, next.init)
        const location = response.headers.get('location')
        if (location !== null) {
          next = { url: new URL(location, next.url).href }
          continue
        }
        const text = await response.text()
        const [, action] = /<form method="post" action="([^"]+)">/.exec(text) ?? []
        if (action === undefined) return { url: new URL(next.url), status: response.status, trail }
        const fields = new URLSearchParams()
        for (const [, name = '', value = ''] of text.matchAll(/name="([^"]+)" value="([^"]+)"/g))
          fields.append(name, value)
        const headers = { Origin: new URL(next.url).origin }
        next = { url: action, init: { method: 'POST', headers, body: fields } }
      }
      throw new Error(`no end after ${maxSteps} redirects`)
    },
  }
}

export type HttpBrowser = ReturnType<typeof createHttpBrowser>
