import { type Document, ObjectId } from 'bson'
import { AppError } from '../errors.ts'
import type { User } from '../user.ts'
import type { StoredApiKey } from './documents.ts'
import { sha256Hex } from './hash.ts'
import { isExpired, type KeyScope } from './key-scope.ts'
import { randomToken } from './random.ts'
import type { UserState } from './state.ts'

export const maxServerKeys = 100
export const maxUserKeys = 20
const keyLength = 64
const prefixLength = 8
const lastUseResolutionMs = 60_000

/** What lists and logs may show of a key: enough to tell it from others, 56 random characters short of using it. */
export function keyPrefix(key: string): string {
  return key.slice(0, prefixLength)
}

export interface ApiKeyView {
  id: string
  name: string
  disabled: boolean
  createdAt: Date
  customData: Document
  prefix: string | undefined
  scope: KeyScope
  /** Within a minute; undefined: never. */
  lastUsedAt: Date | undefined
}

/** A key as it is handed out, once. */
export interface CreatedApiKey extends ApiKeyView {
  key: string
}

function toView(stored: StoredApiKey): ApiKeyView {
  return {
    id: stored._id.toHexString(),
    name: stored.name,
    disabled: stored.disabled,
    createdAt: stored.created_at,
    customData: stored.custom_data ?? {},
    prefix: stored.prefix,
    scope: stored.scope ?? {},
    lastUsedAt: stored.last_used_at,
  }
}

/** The user that a server key is. */
export function serverKeyUser(stored: StoredApiKey): User {
  return {
    id: stored.user_id.toHexString(),
    type: 'server',
    data: { name: stored.name },
    custom_data: stored.custom_data ?? {},
    identities: [{ id: stored._id.toHexString(), provider_type: 'api-key' }],
    ...(stored.scope !== undefined && { keyScope: stored.scope }),
  }
}

/** Server and user API keys; only hashes are stored. */
export class ApiKeyStore {
  private readonly state: UserState
  /** Uses that were recorded, by key: what is within the same minute is not written again. */
  private readonly recorded = new Map<string, number>()

  constructor(state: UserState) {
    this.state = state
  }

  /** The enabled, unexpired key with this text, also right after its rotation; or undefined. */
  async findByKey(key: string, now: Date): Promise<StoredApiKey | undefined> {
    const key_hash = await sha256Hex(key)
    const stored =
      (await this.state.apiKeys.findOne({ key_hash })) ??
      (await this.state.apiKeys.findOne({ 'previous.key_hash': key_hash, 'previous.until': { $gt: now } }))
    if (stored === null || stored.app !== this.state.app || stored.disabled) return undefined
    return isExpired(stored.scope, now) ? undefined : stored
  }

  /** Notes the use of a key, at most once a minute, without keeping the caller waiting. Never throws. */
  recordUse(stored: StoredApiKey, now: Date): void {
    const id = stored._id.toHexString()
    const last = Math.max(stored.last_used_at?.getTime() ?? 0, this.recorded.get(id) ?? 0)
    if (now.getTime() - last < lastUseResolutionMs) return
    this.recorded.set(id, now.getTime())
    this.state.apiKeys.updateOne({ _id: stored._id }, { $max: { last_used_at: now } }).catch(() => {})
  }

  /** The server key whose own user has this id. */
  async findServerUser(userId: ObjectId): Promise<User | undefined> {
    const stored = await this.state.apiKeys.findOne({ app: this.state.app, user_id: userId, kind: 'server' })
    return stored === null || stored.disabled || isExpired(stored.scope, new Date()) ? undefined : serverKeyUser(stored)
  }

  /** @throws {AppError} `BadRequest` beyond 100 keys */
  async createServerKey(name: string, customData: Document, now: Date, scope: KeyScope = {}): Promise<CreatedApiKey> {
    const count = await this.state.apiKeys.countDocuments({ app: this.state.app, kind: 'server' })
    if (count >= maxServerKeys) throw new AppError('BadRequest', `an app has at most ${maxServerKeys} server API keys`)
    const fields = { kind: 'server' as const, name, user_id: new ObjectId(), custom_data: customData }
    return this.insert({ ...fields, ...(Object.keys(scope).length > 0 && { scope }) }, now)
  }

  /** @throws {AppError} `APIKeyAlreadyExists`, `BadRequest` beyond 20 keys */
  async createUserKey(userId: ObjectId, name: string, now: Date): Promise<CreatedApiKey> {
    const owned = await this.state.apiKeys
      .find({ app: this.state.app, user_id: userId, kind: 'user' }, { projection: { name: 1 } })
      .toArray()
    if (owned.some((key) => key.name === name))
      throw new AppError('APIKeyAlreadyExists', `API key with name '${name}' already exists`)
    if (owned.length >= maxUserKeys) throw new AppError('BadRequest', `a user has at most ${maxUserKeys} API keys`)
    return this.insert({ kind: 'user', name, user_id: userId }, now)
  }

  private async insert(
    fields: Pick<StoredApiKey, 'kind' | 'name' | 'user_id' | 'custom_data' | 'scope'>,
    now: Date,
  ): Promise<CreatedApiKey> {
    const key = randomToken(keyLength)
    const stored: StoredApiKey = {
      _id: new ObjectId(),
      app: this.state.app,
      ...fields,
      prefix: keyPrefix(key),
      key_hash: await sha256Hex(key),
      disabled: false,
      created_at: now,
    }
    await this.state.apiKeys.insertOne(stored)
    return { ...toView(stored), key }
  }

  /** Oldest first. Without an owner: the server keys. */
  async list(owner?: ObjectId): Promise<ApiKeyView[]> {
    const stored = await this.state.apiKeys.find(this.scope(owner)).sort({ created_at: 1, _id: 1 }).toArray()
    return stored.map(toView)
  }

  /** @throws {AppError} `APIKeyNotFound`, also for another user's key */
  async get(id: string, owner?: ObjectId): Promise<ApiKeyView> {
    const stored = await this.state.apiKeys.findOne({ ...this.scope(owner), _id: keyId(id) })
    if (stored === null) throw notFound()
    return toView(stored)
  }

  /** @throws {AppError} `APIKeyNotFound` */
  async setDisabled(id: string, disabled: boolean, owner?: ObjectId): Promise<void> {
    const result = await this.state.apiKeys.updateOne({ ...this.scope(owner), _id: keyId(id) }, { $set: { disabled } })
    if (result.matchedCount === 0) throw notFound()
  }

  /** @throws {AppError} `APIKeyNotFound` */
  async delete(id: string, owner?: ObjectId): Promise<void> {
    const result = await this.state.apiKeys.deleteOne({ ...this.scope(owner), _id: keyId(id) })
    if (result.deletedCount === 0) throw notFound()
  }

  /**
   * Gives a server key a new text; the old one stays good for `graceMs`.
   *
   * @throws {AppError} `APIKeyNotFound`
   */
  async rotate(id: string, now: Date, graceMs = 0): Promise<CreatedApiKey> {
    const selector = { ...this.scope(undefined), _id: keyId(id) }
    const current = await this.state.apiKeys.findOne(selector)
    if (current === null) throw notFound()
    const key = randomToken(keyLength)
    const set = { key_hash: await sha256Hex(key), prefix: keyPrefix(key) }
    const previous = { key_hash: current.key_hash, until: new Date(now.getTime() + graceMs) }
    const update = graceMs > 0 ? { $set: { ...set, previous } } : { $set: set, $unset: { previous: '' as const } }
    // Of two rotations at once, one wins: the other's key would be dead on arrival.
    const result = await this.state.apiKeys.updateOne({ ...selector, key_hash: current.key_hash }, update)
    if (result.matchedCount === 0) throw new AppError('BadRequest', 'the key was rotated meanwhile')
    return { ...toView({ ...current, ...set }), key }
  }

  async deleteOwnedBy(owner: ObjectId): Promise<void> {
    await this.state.apiKeys.deleteMany(this.scope(owner))
  }

  private scope(owner: ObjectId | undefined) {
    return owner === undefined
      ? { app: this.state.app, kind: 'server' as const }
      : { app: this.state.app, kind: 'user' as const, user_id: owner }
  }
}

function notFound(): AppError {
  return new AppError('APIKeyNotFound', 'API key not found')
}

function keyId(id: string): ObjectId {
  if (!/^[0-9a-f]{24}$/i.test(id)) throw notFound()
  return ObjectId.createFromHexString(id)
}
