import { ObjectId } from 'bson'
import type { StoredSession } from './documents.ts'
import type { UserState } from './state.ts'

const day = 86_400_000
/** Life of a refresh token; an anonymous user has nothing else to come back with. */
export const sessionLifetimeMs = 60 * day
export const anonymousSessionLifetimeMs = 50 * 365 * day

export interface NewSession {
  userId: ObjectId
  providerType: string
  identityId: string
  now: Date
}

/** One document per login; deleting it ends the login. */
export class SessionStore {
  private readonly state: UserState

  constructor(state: UserState) {
    this.state = state
  }

  async create(session: NewSession): Promise<StoredSession> {
    const lifetime = session.providerType === 'anon-user' ? anonymousSessionLifetimeMs : sessionLifetimeMs
    const stored: StoredSession = {
      _id: new ObjectId(),
      app: this.state.app,
      user_id: session.userId,
      provider_type: session.providerType,
      identity_id: session.identityId,
      created_at: session.now,
      expires_at: new Date(session.now.getTime() + lifetime),
    }
    await this.state.sessions.insertOne(stored)
    return stored
  }

  /** The session, unless it was ended, has expired or belongs to another app. */
  async find(id: string, now: Date): Promise<StoredSession | undefined> {
    if (!/^[0-9a-f]{24}$/.test(id)) return undefined
    const stored = await this.state.sessions.findOne({ _id: ObjectId.createFromHexString(id), app: this.state.app })
    return stored === null || stored.expires_at <= now ? undefined : stored
  }

  async end(id: string): Promise<void> {
    if (!/^[0-9a-f]{24}$/.test(id)) return
    await this.state.sessions.deleteOne({ _id: ObjectId.createFromHexString(id), app: this.state.app })
  }

  async endAllOf(userId: ObjectId): Promise<void> {
    await this.state.sessions.deleteMany({ app: this.state.app, user_id: userId })
  }
}
