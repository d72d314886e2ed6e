import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { getRequestListener } from '@hono/node-server'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type EdgeUnderTest,
  hostKinds,
  startEdgeUnderTest,
  wireApp,
  wireClients,
  wireRedirect,
} from '../contract/edge-under-test.ts'
import { createIdentityProviders, type IdentityProviders } from '../support/identity-providers.ts'

const chromiumPath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const openssl = ['/usr/bin/openssl', '/usr/local/bin/openssl', '/opt/homebrew/bin/openssl'].find(existsSync)
const isMissing = !existsSync(chromiumPath) || openssl === undefined
const ownHosts = hostKinds.filter((kind) => kind !== 'remote')

/** The app's pages: one that logs in, and the one that `handleAuthRedirect` is called on, as the SDK's guide has it. */
const pages: Readonly<Record<string, string>> = {
  '/': `<!doctype html><script src="/realm.js"></script><button>log in</button>`,
  '/auth': `<!doctype html><script src="/realm.js"></script><script>Realm.handleAuthRedirect()</script>`,
}

interface Server {
  readonly port: number
  close(): Promise<void>
}

async function listen(server: ReturnType<typeof createServer> | ReturnType<typeof createTlsServer>): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function servePages(): Promise<Server> {
  const sdk = await readFile(path.resolve(import.meta.dirname, '../../node_modules/realm-web/dist/bundle.iife.js'))
  return listen(
    createServer((request, response) => {
      const page = pages[new URL(request.url ?? '/', wireRedirect).pathname]
      response.setHeader('Content-Type', page === undefined ? 'text/javascript' : 'text/html')
      response.end(page ?? sdk)
    }),
  )
}

/** The providers under their own names, by TLS, with a certificate that nobody signed. */
async function serveProviders(providers: IdentityProviders): Promise<Server> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'providers-'))
  const [keyFile, certFile] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')]
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=providers']
  await promisify(execFile)(openssl ?? 'openssl', [...request, '-keyout', keyFile, '-out', certFile])
  const [key, cert] = await Promise.all([readFile(keyFile), readFile(certFile)])
  await rm(folder, { recursive: true })
  const answer = getRequestListener(
    async (asked) => (await providers.handle(asked)) ?? new Response('not found', { status: 404 }),
    { overrideGlobalObjects: false },
  )
  return listen(createTlsServer({ key, cert }, answer))
}

describe.skipIf(isMissing).each(ownHosts)(
  'a login by redirect in chromium, on %s (needs chromium and openssl)',
  (kind) => {
    let edge: EdgeUnderTest
    let providers: IdentityProviders
    let browser: Browser
    const servers: Server[] = []
    beforeAll(async () => {
      providers = await createIdentityProviders(wireClients)
      edge = await startEdgeUnderTest(kind, { providers })
      const [app, tls] = [await servePages(), await serveProviders(providers)]
      servers.push(app, tls)
      const rules = [
        `MAP ${new URL(wireRedirect).host} 127.0.0.1:${app.port}`,
        ...['accounts.google.com', 'www.facebook.com', 'appleid.apple.com'].map(
          (host) => `MAP ${host}:443 127.0.0.1:${tls.port}`,
        ),
      ]
      browser = await chromium.launch({
        executablePath: chromiumPath,
        args: [
          '--no-sandbox',
          '--disable-gpu',
          '--disable-background-networking',
          '--disable-component-update',
          '--ignore-certificate-errors',
          `--host-resolver-rules=${rules.join(',')}`,
        ],
      })
    })
    afterAll(async () => {
      await browser?.close()
      for (const server of servers) await server.close()
      await edge?.close()
    })

    /** Runs `script` at a click, as pages must to open a window; the result is what it resolves to. */
    async function click(page: Page, script: string, baseUrl = edge.url): Promise<unknown> {
      await page.evaluate(`
      window.app ??= new Realm.App({ id: ${JSON.stringify(wireApp)}, baseUrl: ${JSON.stringify(baseUrl)} })
      window.done = new Promise((resolve, reject) => {
        document.querySelector('button').onclick = () => (async () => { ${script} })().then(resolve, reject)
      })
      undefined`)
      await page.click('button')
      return page.evaluate('done')
    }

    const person = { id: 'chromium-42', email: 'ann@corp.example', firstName: 'Ann' }

    async function open(): Promise<Page> {
      providers.sitDown(person)
      const page = await (await browser.newContext()).newPage()
      await page.goto(new URL('/', wireRedirect).href)
      return page
    }

    it.each([
      ['Google', 'google', { email: person.email, firstName: 'Ann' }],
      ['Facebook', 'facebook', { firstName: 'Ann', pictureUrl: expect.any(String) }],
    ])('%s: the window closes, and the page has its user', async (_, provider, profile) => {
      const page = await open()
      const result = await click(
        page,
        `const user = await app.logIn(Realm.Credentials.${provider}(${
          provider === 'google' ? `{ redirectUrl: '${wireRedirect}' }` : `'${wireRedirect}'`
        }))
      return { profile: user.profile, sum: await user.functions.sum(2, 3) }`,
      )
      expect(result).toEqual({ profile, sum: 5 })
      await expect.poll(() => page.context().pages().length).toBe(1)
      expect(await page.context().cookies()).toEqual([])
    })

    // Browsers keep the cookie of another site only by TLS, and some not even then: here the edge is of the page's site.
    it('links an identity to the user of the page, whose call for the address sets the cookie', async () => {
      providers.sitDown({ ...person, id: `linked-${kind}` })
      const page = await open()
      providers.sitDown({ ...person, id: `linked-${kind}` })
      const result = await click(
        page,
        `const user = await app.logIn(Realm.Credentials.anonymous())
      await user.linkCredentials(Realm.Credentials.google({ redirectUrl: '${wireRedirect}' }))
      return user.identities.map((identity) => identity.providerType)`,
        edge.url.replace('127.0.0.1', 'localhost'),
      )
      expect(result).toEqual(['anon-user', 'oauth2-google'])
    })
  },
)
