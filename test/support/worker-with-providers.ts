import { copyFile, mkdtemp, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { getRequestListener } from '@hono/node-server'
import type { IdentityProviders } from './identity-providers.ts'

const edge = path.resolve(import.meta.dirname, '../../edge')

/** A `fetch` that reaches the identity providers of a test, and the network for everything else. */
export function fetchWithProviders(providers: IdentityProviders): typeof fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    if (!providers.isProvider(url)) return fetch(input, init)
    const answer = await providers.handle(new Request(input, init))
    if (answer === undefined) throw new TypeError('fetch failed')
    return answer
  }
}

/**
 * The Worker's main module with its `fetch` led to the identity providers of a test. A service binding would take the
 * Worker's sockets with it, which the driver needs.
 *
 * @returns the folder of `entry`, to be removed
 */
export async function workerWithProviders(providers: IdentityProviders) {
  const server = createServer(
    getRequestListener(
      async (request) => {
        const { pathname, search } = new URL(request.url)
        const [, host = '', rest = ''] = /^\/([^/]+)(\/.*)$/.exec(pathname) ?? []
        const { method, headers } = request
        const body = method === 'GET' ? {} : { body: await request.text() }
        const answer = await providers.handle(
          new Request(`https://${host}${rest}${search}`, { method, headers, ...body }),
        )
        return answer ?? new Response('not found', { status: 404 })
      },
      { overrideGlobalObjects: false },
    ),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const folder = await mkdtemp(path.join(os.tmpdir(), 'edge-entry-'))
  const entry = path.join(folder, 'worker.ts')
  await copyFile(path.join(edge, 'wrangler.jsonc'), path.join(folder, 'wrangler.jsonc'))
  await writeFile(
    entry,
    `import worker from ${JSON.stringify(path.join(edge, 'worker.ts'))}
export * from ${JSON.stringify(path.join(edge, 'worker.ts'))}
const send = globalThis.fetch
const providers = /^https:\\/\\/([\\w.-]*(?:google|googleapis|facebook|apple)\\.com)/
globalThis.fetch = (input, init) =>
  send(String(input).replace(providers, 'http://127.0.0.1:${port}/$1'), init)
export default worker
`,
  )
  return {
    entry,
    folder,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
