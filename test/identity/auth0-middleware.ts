import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { auth } from 'express-oauth2-jwt-bearer'
import { audience, type Issuer } from './issuer.ts'

// Express ships no types of its own; this is all of it that the judge needs.
type Next = (error?: unknown) => void
type Handler = (request: IncomingMessage, response: ServerResponse, next: Next) => void
type ErrorHandler = (error: unknown, request: IncomingMessage, response: ServerResponse, next: Next) => void
interface ExpressApp {
  use(handler: Handler | ErrorHandler): void
  (request: IncomingMessage, response: ServerResponse): void
}

/** Auth0's own middleware in front of an Express server that answers 200: the judge of what an access token is. */
export async function startAuth0Middleware(issuer: Issuer, algorithm: 'RS256' | 'ES256') {
  // @ts-expect-error Express ships no types
  const express: { default: () => ExpressApp } = await import('express')
  const app = express.default()
  const protect = auth({
    issuer: issuer.url,
    jwksUri: issuer.jwksUri,
    audience,
    tokenSigningAlg: algorithm,
    // Its default refuses a rotated key for half a minute.
    cooldownDuration: 0,
  }) as unknown as Handler
  app.use(protect)
  app.use((_request: IncomingMessage, response: ServerResponse) => void response.end('{}'))
  app.use((error: unknown, _request: IncomingMessage, response: ServerResponse, _next: Next) => {
    response.statusCode = typeof error === 'object' && error !== null && 'status' in error ? Number(error.status) : 500
    response.end('{}')
  })
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
