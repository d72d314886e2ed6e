import { readFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import path from 'node:path'

export interface DashboardConfig {
  /** `http://.../app/<client app id>/endpoint/data/v1` */
  readonly dataApiUrl: string
  /** `http://.../token` of an OIDC issuer that the edge trusts. */
  readonly tokenUrl: string
  /** Who looks at the page. */
  readonly username: string
}

export interface RunningDashboard {
  readonly url: string
  close(): Promise<void>
}

const uplot = path.dirname(createRequire(import.meta.url).resolve('uplot/package.json'))
const ours = path.join(import.meta.dirname, 'public')

const files: Readonly<Record<string, readonly [file: string, contentType: string]>> = {
  '/': [path.join(ours, 'index.html'), 'text/html; charset=utf-8'],
  '/dashboard.css': [path.join(ours, 'dashboard.css'), 'text/css; charset=utf-8'],
  '/dashboard.js': [path.join(ours, 'dashboard.js'), 'text/javascript; charset=utf-8'],
  '/uplot.css': [path.join(uplot, 'dist/uPlot.min.css'), 'text/css; charset=utf-8'],
  '/uplot.js': [path.join(uplot, 'dist/uPlot.esm.js'), 'text/javascript; charset=utf-8'],
}

/** Logs the viewer in: pages may send a bearer token, never a key (spec: Data API 2). */
async function accessToken({ tokenUrl, username }: DashboardConfig): Promise<string> {
  const response = await fetch(tokenUrl, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'password', username }),
  })
  const body: unknown = await response.json()
  if (typeof body !== 'object' || body === null || !('access_token' in body) || typeof body.access_token !== 'string')
    throw new TypeError('the issuer gave no access token')
  return body.access_token
}

async function answer(url: string, config: DashboardConfig, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(url, 'http://dashboard')
  if (pathname === '/config.json') {
    const token = await accessToken(config)
    response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
    response.end(JSON.stringify({ dataApiUrl: config.dataApiUrl, accessToken: token }))
    return
  }
  const found = Object.hasOwn(files, pathname) ? files[pathname] : undefined
  if (found === undefined) {
    response.writeHead(404).end()
    return
  }
  const [file, contentType] = found
  response.writeHead(200, { 'Content-Type': contentType })
  response.end(await readFile(file))
}

/** Serves the development dashboard on loopback. It logs its viewer in without asking, so it is never part of the edge. */
export async function startDashboard(port: number, config: DashboardConfig): Promise<RunningDashboard> {
  const server = createServer((request, response) => {
    answer(request.url ?? '/', config, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const address = server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port
  return {
    url: `http://127.0.0.1:${bound}/`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
