import type { Document, ObjectId } from 'bson'
import type { Identity } from '../user.ts'
import type { KeyScope } from './key-scope.ts'

/** Collections of the edge's own database. Each document carries the client app id in `app`. */
export const collections = {
  users: 'users',
  identities: 'identities',
  apiKeys: 'api_keys',
  sessions: 'sessions',
  limits: 'limits',
  oauthFlows: 'oauth_flows',
} as const

export interface StoredUser {
  _id: ObjectId
  app: string
  disabled: boolean
  identities: Identity[]
  created_at: Date
  last_login_at?: Date
}

/** The right to be one user, by provider and external id: its `_id` is what makes a user exist only once. */
export interface StoredIdentity {
  /** SHA-256 of app, provider type and external id: external ids may be longer than an index key. */
  _id: string
  app: string
  user_id: ObjectId
  provider_type: string
  /** What the caller proves: the email, the token's `sub`, ... */
  external_id: string
  created_at: Date
  /** `local-userpass` only. */
  password_hash?: string
  /** `local-userpass` only: false until the email or the function confirms. */
  confirmed?: boolean
  /** Of a user whom an administrator made: what the app does for a new user is still to be done. */
  awaits_first_login?: boolean
  /** Held by the one caller that runs the app's user creation function. */
  creating_since?: Date
  confirmation?: OneTimeToken
  reset?: OneTimeToken
}

export interface OneTimeToken {
  token_id: string
  token_hash: string
  expires_at: Date
}

export interface StoredApiKey {
  _id: ObjectId
  app: string
  kind: 'server' | 'user'
  name: string
  /** Its first letters, to tell keys apart in lists and logs; absent on keys of earlier versions. */
  prefix?: string
  /** SHA-256 of the key: 64 random characters need no salt. */
  key_hash: string
  /** The server key's own user, or the user who made it. */
  user_id: ObjectId
  disabled: boolean
  created_at: Date
  /** Of a server key's user; carries `role`. */
  custom_data?: Document
  scope?: KeyScope
  /** Within a minute. */
  last_used_at?: Date
  /** The key before the last rotation, while it is still good. */
  previous?: { key_hash: string; until: Date }
}

export interface StoredSession {
  _id: ObjectId
  app: string
  user_id: ObjectId
  provider_type: string
  identity_id: string
  created_at: Date
  expires_at: Date
}
