import type { ActionName } from '../runtime/data-api/index.ts'
import type { ExternalClaims } from '../runtime/tokens/external-claims.ts'
import type { AccessTokenClaims, RefreshTokenClaims } from '../runtime/users/tokens.ts'

/** What the routes in front found in the `Authorization` header; the signature is already checked. */
export type Bearer =
  | { state: 'none' }
  | { state: 'invalid' }
  | { state: 'expired' }
  /** Of an identity provider whose keys cannot be read. */
  | { state: 'unavailable' }
  | { state: 'access'; claims: AccessTokenClaims }
  | { state: 'refresh'; claims: RefreshTokenClaims }
  /** Of an identity provider. */
  | { state: 'external'; claims: ExternalClaims }

/** What a request asks for, read from its path; the host does no routing of its own. */
export type Operation =
  | { kind: 'ready' }
  | { kind: 'data-api'; version: string; action: ActionName }
  /** `index` into the app's endpoints. */
  | { kind: 'endpoint'; index: number }
  | { kind: 'login'; provider: string }
  | { kind: 'oauth-start'; provider: string }
  | { kind: 'oauth-callback' }
  | { kind: 'userpass'; step: UserpassStep }
  | { kind: 'session'; method: 'POST' | 'DELETE' }
  | { kind: 'profile' }
  | { kind: 'delete-user' }
  | { kind: 'api-keys'; method: 'GET' | 'POST' | 'PUT' | 'DELETE'; id?: string; change?: 'enable' | 'disable' }
  | { kind: 'call' }

export type UserpassStep =
  | 'register'
  | 'confirm'
  | 'confirm/send'
  | 'confirm/call'
  | 'reset'
  | 'reset/send'
  | 'reset/call'

/** One request on its way to the runtime: plain data, so that it crosses to a Durable Object in one hop. */
export interface HostRequest {
  operation: Operation
  requestId: string
  method: string
  /** Scheme and host that the client used. */
  origin: string
  /** Without `?`. */
  rawQuery: string
  headers: [name: string, value: string][]
  body: Uint8Array
  remoteAddress: string
  bearer: Bearer
}

/** The runtime beside the database, reached by a call or by one hop. Never rejects for what a client sent. */
export interface Host {
  handle(request: HostRequest): Promise<Response>
}

/** The first value of a header, in any case. */
export function headerOf(request: HostRequest, name: string): string | undefined {
  const wanted = name.toLowerCase()
  return request.headers.find(([key]) => key.toLowerCase() === wanted)?.[1]
}
