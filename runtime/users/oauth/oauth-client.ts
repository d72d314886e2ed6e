import type { Document } from 'bson'
import type { AuthProvider } from '../../../schemas/app/definition.ts'

/** Whom an identity provider vouches for. */
export interface VerifiedAccount {
  subject: string
  /** What `metadata_fields` names and the provider tells, under the profile's names. */
  data: Document
}

/** What the browser is sent to the provider with. */
export interface AuthorizationRequest {
  /** This edge's own callback. */
  callbackUrl: string
  state: string
  codeChallenge: string
  nonce: string
}

/** An authorization code; the optional parts are known when this edge sent the browser itself. */
export interface CodeGrant {
  code: string
  callbackUrl?: string
  codeVerifier?: string
  nonce?: string
}

/** What a client brings from an identity provider. */
export type OAuthProof =
  | { kind: 'id-token'; token: string }
  | { kind: 'access-token'; token: string }
  | { kind: 'code'; grant: CodeGrant }

/** One identity provider, as one app has configured it. */
export interface OAuthClient {
  /** @throws {AppError} `AuthError` while the client id or secret is missing */
  authorizationUrl(request: AuthorizationRequest): string
  /**
   * @throws {AppError} `AuthError` (401) for what the provider does not vouch for, whatever is wrong with it, and for
   *   accounts of other domains; status 503 when the provider does not answer
   */
  verify(proof: OAuthProof): Promise<VerifiedAccount>
}

export interface OAuthClientOptions {
  provider: AuthProvider
  /** Value of one of the app's secrets. */
  secret: (name: string) => string | undefined
  fetch: typeof fetch
  now: () => Date
}
