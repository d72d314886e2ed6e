import type { Collection, MongoClient } from 'mongodb'
import type { StoredHits } from '../limits/shared-limiter.ts'
import {
  collections,
  type StoredApiKey,
  type StoredIdentity,
  type StoredSession,
  type StoredUser,
} from './documents.ts'
import type { StoredFlow } from './oauth/flows.ts'

export const defaultStateDatabase = 'atlas_edge'

/** The collections of the edge's own database, for one app. */
export interface UserState {
  readonly app: string
  readonly users: Collection<StoredUser>
  readonly identities: Collection<StoredIdentity>
  readonly apiKeys: Collection<StoredApiKey>
  readonly sessions: Collection<StoredSession>
  readonly limits: Collection<StoredHits>
  readonly oauthFlows: Collection<StoredFlow>
}

export function openUserState(client: MongoClient, app: string, database = defaultStateDatabase): UserState {
  const db = client.db(database)
  return {
    app,
    users: db.collection<StoredUser>(collections.users),
    identities: db.collection<StoredIdentity>(collections.identities),
    apiKeys: db.collection<StoredApiKey>(collections.apiKeys),
    sessions: db.collection<StoredSession>(collections.sessions),
    limits: db.collection<StoredHits>(collections.limits),
    oauthFlows: db.collection<StoredFlow>(collections.oauthFlows),
  }
}

/** Creates what is missing; running it twice, or from two hosts at once, changes nothing. */
export async function ensureUserIndexes(state: UserState): Promise<void> {
  await state.apiKeys.createIndex({ key_hash: 1 }, { unique: true })
  await state.apiKeys.createIndex({ 'previous.key_hash': 1 }, { sparse: true })
  await state.apiKeys.createIndex({ app: 1, user_id: 1 })
  await state.identities.createIndex({ app: 1, user_id: 1 })
  await state.identities.createIndex({ 'confirmation.token_id': 1 }, { sparse: true })
  await state.identities.createIndex({ 'reset.token_id': 1 }, { sparse: true })
  await state.users.createIndex({ app: 1, created_at: 1 })
  await state.sessions.createIndex({ app: 1, user_id: 1 })
  await state.sessions.createIndex({ expires_at: 1 }, { expireAfterSeconds: 0 })
  await state.limits.createIndex({ expires_at: 1 }, { expireAfterSeconds: 0 })
  await state.oauthFlows.createIndex({ expires_at: 1 }, { expireAfterSeconds: 0 })
}
