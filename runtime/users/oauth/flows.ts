import { EncryptJWT, jwtDecrypt } from 'jose'
import type { Collection } from 'mongodb'
import { MongoServerError } from 'mongodb'
import { constantTimeEqual, hmacSha256Hex } from '../hash.ts'
import { randomToken } from '../random.ts'
import type { OAuthProviderType } from './endpoints.ts'
import { isOAuthProvider } from './index.ts'

/** A person may have to find a password and a second factor. */
export const flowLifetimeMs = 10 * 60_000

/** A browser's way to an identity provider and back. */
export interface Flow {
  id: string
  provider: OAuthProviderType
  /** Where the browser goes in the end: an entry of the provider's list. */
  redirect: string
  /** What the client wants to see again. */
  clientState: string | undefined
  /** This edge's callback, as the provider was told. */
  callbackUrl: string
  /** Held by the browser that started, and by no other. */
  browserKey: string
  codeVerifier: string
  nonce: string
  /** Whose account the identity is added to. */
  linkTo: { userId: string; sessionId: string } | undefined
}

export type FlowStart = Pick<Flow, 'provider' | 'redirect' | 'clientState' | 'callbackUrl' | 'linkTo'>

/** A flow that has come back: its second return is refused. */
export interface StoredFlow {
  _id: string
  app: string
  expires_at: Date
}

export interface OAuthFlowsOptions {
  app: string
  /** `EDGE_SIGNING_KEY`. */
  signingKey: string
  spent: Collection<StoredFlow>
  now: () => Date
}

const duplicateKey = 11000
const encryption = { alg: 'dir', enc: 'A256GCM' } as const

/**
 * Keeps what a flow needs in its `state` parameter, encrypted and signed in one, so that starting a flow writes nothing:
 * whoever likes to start many fills no database. What was used is remembered until it would have expired.
 */
export class OAuthFlows {
  private readonly options: OAuthFlowsOptions
  private key: Promise<Uint8Array> | undefined

  constructor(options: OAuthFlowsOptions) {
    this.options = options
  }

  /** A new flow, its `state` for the provider, and the PKCE challenge of its verifier. */
  async start(start: FlowStart): Promise<{ flow: Flow; state: string; codeChallenge: string }> {
    const flow: Flow = {
      ...start,
      id: randomToken(22),
      browserKey: randomToken(43),
      codeVerifier: randomToken(64),
      nonce: randomToken(43),
    }
    const now = this.options.now().getTime()
    const state = await new EncryptJWT({ ...flow, app: this.options.app })
      .setProtectedHeader(encryption)
      .setExpirationTime(Math.floor((now + flowLifetimeMs) / 1000))
      .encrypt(await this.encryptionKey())
    return { flow, state, codeChallenge: await challengeOf(flow.codeVerifier) }
  }

  /** The flow of a `state` that this app made and that has not expired. */
  async open(state: string): Promise<Flow | undefined> {
    try {
      const { payload } = await jwtDecrypt(state, await this.encryptionKey(), {
        keyManagementAlgorithms: [encryption.alg],
        contentEncryptionAlgorithms: [encryption.enc],
        currentDate: this.options.now(),
        requiredClaims: ['exp'],
      })
      return payload.app === this.options.app ? toFlow(payload) : undefined
    } catch {
      return undefined
    }
  }

  /** True for the one return of a flow, by the browser that started it. */
  async spend(flow: Flow, browserKey: string): Promise<boolean> {
    if (!(await constantTimeEqual(flow.browserKey, browserKey))) return false
    const { app, now, spent } = this.options
    const expires_at = new Date(now().getTime() + flowLifetimeMs)
    try {
      await spent.insertOne({ _id: `${app} ${flow.id}`, app, expires_at })
      return true
    } catch (error) {
      if (error instanceof MongoServerError && error.code === duplicateKey) return false
      throw error
    }
  }

  private encryptionKey(): Promise<Uint8Array> {
    this.key ??= deriveKey(this.options.signingKey)
    return this.key
  }
}

/** A key of its own: nothing that is signed with the signing key can pass for a state, or the other way round. */
async function deriveKey(signingKey: string): Promise<Uint8Array> {
  const hex = await hmacSha256Hex(signingKey, new TextEncoder().encode('state of OAuth flows'))
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
}

/** RFC 7636 4.2, S256. */
async function challengeOf(verifier: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier)))
  return btoa(String.fromCharCode(...hash))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

function toFlow(payload: Readonly<Record<string, unknown>>): Flow | undefined {
  const { id, provider, redirect, clientState, callbackUrl, browserKey, codeVerifier, nonce, linkTo } = payload
  const isText = (value: unknown): value is string => typeof value === 'string'
  if (!isText(id) || !isText(provider) || !isOAuthProvider(provider) || !isText(redirect)) return undefined
  if (!isText(callbackUrl) || !isText(browserKey) || !isText(codeVerifier) || !isText(nonce)) return undefined
  const base = { id, provider, redirect, callbackUrl, browserKey, codeVerifier, nonce }
  const flow = { ...base, clientState: isText(clientState) ? clientState : undefined, linkTo: undefined }
  if (typeof linkTo !== 'object' || linkTo === null) return flow
  // A flow that was to link must never end as a login.
  if (!('userId' in linkTo) || !('sessionId' in linkTo)) return undefined
  const { userId, sessionId } = linkTo
  return isText(userId) && isText(sessionId) ? { ...flow, linkTo: { userId, sessionId } } : undefined
}
