import { type Document, ObjectId } from 'bson'
import { MongoServerError } from 'mongodb'
import { AppError } from '../errors.ts'
import type { Identity, User } from '../user.ts'
import { ApiKeyStore } from './api-key-store.ts'
import type { StoredIdentity, StoredUser } from './documents.ts'
import { sha256Hex } from './hash.ts'
import type { UserState } from './state.ts'

const duplicateKey = 11000

export interface IdentityKey {
  providerType: string
  externalId: string
}

export interface FoundUser {
  user: User
  /** True when this call made the user. */
  created: boolean
}

function toUser(stored: StoredUser): User {
  return {
    id: stored._id.toHexString(),
    type: 'normal',
    data: Object.assign({}, ...stored.identities.map((identity) => identity.data ?? {})),
    custom_data: {},
    identities: stored.identities,
  }
}

/** Users and the identities that lead to them. A user exists from the first login on. */
export class UserStore {
  private readonly state: UserState

  constructor(state: UserState) {
    this.state = state
  }

  /**
   * The user of an id: a person, or a server key's own user.
   *
   * @throws {AppError} `UserDisabled`
   */
  async findById(id: string): Promise<User | undefined> {
    if (!/^[0-9a-f]{24}$/i.test(id)) return undefined
    const userId = ObjectId.createFromHexString(id)
    const stored = await this.state.users.findOne({ _id: userId, app: this.state.app })
    if (stored === null) return new ApiKeyStore(this.state).findServerUser(userId)
    if (stored.disabled) throw new AppError('UserDisabled', 'user disabled')
    return toUser(stored)
  }

  async findIdentity(key: IdentityKey): Promise<StoredIdentity | undefined> {
    return (await this.state.identities.findOne({ _id: await this.identityId(key) })) ?? undefined
  }

  /** The email identity that a confirmation or reset token belongs to. */
  async findByToken(purpose: 'confirmation' | 'reset', tokenId: string): Promise<StoredIdentity | undefined> {
    const stored = await this.state.identities.findOne({ app: this.state.app, [`${purpose}.token_id`]: tokenId })
    return stored ?? undefined
  }

  /**
   * The identity with this key, made when missing. However many callers ask at once, one makes it: the key is the
   * document's `_id`.
   */
  async claimIdentity(
    key: IdentityKey,
    userId: ObjectId,
    now: Date,
    extra: Pick<StoredIdentity, 'password_hash' | 'confirmed' | 'confirmation' | 'awaits_first_login'> = {},
  ): Promise<{ identity: StoredIdentity; created: boolean }> {
    const identity: StoredIdentity = {
      _id: await this.identityId(key),
      app: this.state.app,
      user_id: userId,
      provider_type: key.providerType,
      external_id: key.externalId,
      created_at: now,
      ...extra,
    }
    try {
      await this.state.identities.insertOne(identity)
      return { identity, created: true }
    } catch (error) {
      if (!(error instanceof MongoServerError) || error.code !== duplicateKey) throw error
      const existing = await this.findIdentity(key)
      if (existing === undefined) throw error
      return { identity: existing, created: false }
    }
  }

  async updateIdentity(identity: StoredIdentity, set: Partial<StoredIdentity>, unset: Document = {}): Promise<void> {
    await this.state.identities.updateOne(
      { _id: identity._id },
      {
        ...(Object.keys(set).length > 0 && { $set: set }),
        ...(Object.keys(unset).length > 0 && { $unset: unset }),
      },
    )
  }

  async deleteIdentity(identity: StoredIdentity): Promise<void> {
    await this.state.identities.deleteOne({ _id: identity._id })
  }

  /**
   * The user behind an identity, made at the first login.
   *
   * @throws {AppError} `UserDisabled`
   */
  async ensureUser(identity: StoredIdentity, visible: Identity, now: Date): Promise<FoundUser> {
    const existing = await this.state.users.findOne({ _id: identity.user_id, app: this.state.app })
    if (existing !== null) return { user: toUser(await this.refresh(existing, visible, now)), created: false }
    const stored: StoredUser = {
      _id: identity.user_id,
      app: this.state.app,
      disabled: false,
      identities: [visible],
      created_at: now,
      last_login_at: now,
    }
    try {
      await this.state.users.insertOne(stored)
      return { user: toUser(stored), created: true }
    } catch (error) {
      if (!(error instanceof MongoServerError) || error.code !== duplicateKey) throw error
      const winner = await this.state.users.findOne({ _id: identity.user_id, app: this.state.app })
      if (winner === null) throw error
      return { user: toUser(await this.refresh(winner, visible, now)), created: false }
    }
  }

  private async refresh(stored: StoredUser, visible: Identity, now: Date): Promise<StoredUser> {
    if (stored.disabled) throw new AppError('UserDisabled', 'user disabled')
    const isSame = (identity: Identity) =>
      identity.provider_type === visible.provider_type && identity.id === visible.id
    const current = stored.identities.find(isSame)
    if (current !== undefined && JSON.stringify(current.data ?? {}) === JSON.stringify(visible.data ?? {}))
      return stored
    const identities = current
      ? stored.identities.map((identity) => (isSame(identity) ? visible : identity))
      : [...stored.identities, visible]
    await this.state.users.updateOne({ _id: stored._id }, { $set: { identities, last_login_at: now } })
    return { ...stored, identities }
  }

  async awaitsFirstLogin(identity: StoredIdentity): Promise<boolean> {
    if (identity.awaits_first_login !== true) return false
    return (await this.state.identities.countDocuments({ _id: identity._id, awaits_first_login: true })) > 0
  }

  /** True for the one login that is the first of a user whom an administrator made. */
  async recordFirstLogin(identity: StoredIdentity): Promise<boolean> {
    if (identity.awaits_first_login !== true) return false
    const isFirst = { _id: identity._id, awaits_first_login: true }
    const result = await this.state.identities.updateOne(isFirst, { $unset: { awaits_first_login: '' } })
    return result.modifiedCount === 1
  }

  /** True for the one caller that may make the user now; a holder that died is replaced after `leaseMs`. */
  async leaseCreation(identity: StoredIdentity, leaseMs: number, now: Date): Promise<boolean> {
    const result = await this.state.identities.updateOne(
      {
        _id: identity._id,
        $or: [{ creating_since: { $exists: false } }, { creating_since: { $lt: new Date(now.getTime() - leaseMs) } }],
      },
      { $set: { creating_since: now } },
    )
    return result.modifiedCount === 1
  }

  async releaseCreation(identity: StoredIdentity): Promise<void> {
    await this.state.identities.updateOne({ _id: identity._id }, { $unset: { creating_since: '' } })
  }

  /** Removes the user and every way to log in as the user. */
  async delete(userId: ObjectId): Promise<void> {
    await this.state.identities.deleteMany({ app: this.state.app, user_id: userId })
    await this.state.users.deleteOne({ _id: userId, app: this.state.app })
  }

  private identityId(key: IdentityKey): Promise<string> {
    return sha256Hex(`${this.state.app}\0${key.providerType}\0${key.externalId}`)
  }
}
