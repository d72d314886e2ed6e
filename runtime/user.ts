import type { Document } from 'bson'
import type { KeyScope } from './users/key-scope.ts'

export interface Identity {
  /** The provider's id of the user (`sub` for JWTs, the user id for API keys). */
  id: string
  provider_type: string
  provider_id?: string
  data?: Document
}

/** The user a request runs as; what functions see as `context.user` and rules as `%%user`. */
export interface User {
  /** 24 hex characters; '' for the system user. */
  readonly id: string
  /** `server`: any API key login. */
  readonly type: 'normal' | 'server' | 'system'
  /** Union of the identities' metadata. */
  readonly data: Document
  readonly custom_data: Document
  readonly identities: readonly Identity[]
  /** Of a server API key that is limited beside its role. */
  readonly keyScope?: KeyScope
}

/** Triggers and run-as-system requests without a caller run as this user. */
export const systemUser: User = Object.freeze({ id: '', type: 'system', data: {}, custom_data: {}, identities: [] })
