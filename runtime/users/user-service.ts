import { type Document, ObjectId } from 'bson'
import type { MongoClient } from 'mongodb'
import type { AppDefinition, AuthProvider } from '../../schemas/app/definition.ts'
import { AppError } from '../errors.ts'
import type { AuthenticationEvent } from '../triggers/authentication.ts'
import type { Identity, User } from '../user.ts'
import { ApiKeyStore, serverKeyUser } from './api-key-store.ts'
import { type CustomTokenVerifier, createCustomTokenVerifier } from './custom-token.ts'
import { loadCustomUserData } from './custom-user-data.ts'
import type { StoredIdentity } from './documents.ts'
import { verifyNothing, verifyPassword } from './hash.ts'
import { assertKeyAddress } from './key-scope.ts'
import { LoginLimiter, type SharedFailures } from './login-limiter.ts'
import type { OAuthProviderType } from './oauth/endpoints.ts'
import { createOAuthClient } from './oauth/index.ts'
import type { OAuthClient, OAuthProof } from './oauth/oauth-client.ts'
import { SessionStore } from './session-store.ts'
import type { UserState } from './state.ts'
import { type FoundUser, UserStore } from './user-store.ts'

/** What a caller proves to be somebody, by provider. */
export type Credentials =
  | { provider: 'anon-user' }
  | { provider: 'api-key'; key: string }
  | { provider: 'local-userpass'; username: string; password: string }
  | { provider: 'custom-token'; token: string }
  | { provider: OAuthProviderType; proof: OAuthProof }
  | { provider: 'custom-function'; payload: Document }

export interface LoginOptions {
  /** False: a verified credential without a user is refused. */
  createUser: boolean
  /** The address that asks, for the limit on guessing; '' when unknown. */
  address: string
  /** Adds the identity to this user instead of logging in. */
  linkTo?: string
}

export interface Login {
  user: User
  identity: Identity
}

/** Functions of the app that take part in logins. */
export interface UserHooks {
  /** Runs an app function as the system. */
  callFunction(name: string, args: readonly unknown[]): Promise<unknown>
  /** Told after the fact; must not throw. */
  onEvent(event: AuthenticationEvent): void
}

export interface UserServiceOptions {
  definition: AppDefinition
  state: UserState
  clientFor: (service: string) => MongoClient
  secret: (name: string) => string | undefined
  fetch: typeof fetch
  now: () => Date
  /** Failed logins of all hosts; absent: each process counts its own. */
  failures?: SharedFailures
}

const creationPatienceMs = 10_000
const creationLeaseMs = 30_000

/** Turns credentials into users: one app's users, identities, keys and sessions. */
export class UserService {
  readonly definition: AppDefinition
  readonly users: UserStore
  readonly apiKeys: ApiKeyStore
  readonly sessions: SessionStore
  readonly now: () => Date
  private readonly options: UserServiceOptions
  private readonly limiter: LoginLimiter
  private customTokens: CustomTokenVerifier | undefined
  private readonly oauthClients = new Map<OAuthProviderType, OAuthClient>()

  constructor(options: UserServiceOptions) {
    this.options = options
    this.definition = options.definition
    this.now = options.now
    this.users = new UserStore(options.state)
    this.apiKeys = new ApiKeyStore(options.state)
    this.sessions = new SessionStore(options.state)
    this.limiter = new LoginLimiter(options.now, options.failures)
  }

  /** The provider, when the app has it switched on. */
  provider(type: string): AuthProvider | undefined {
    const provider = Object.hasOwn(this.definition.authProviders, type)
      ? this.definition.authProviders[type]
      : undefined
    return provider?.disabled === false ? provider : undefined
  }

  /** An identity provider as the app has configured it. @throws {AppError} `AuthProviderNotFound` */
  oauthClient(type: OAuthProviderType): OAuthClient {
    const provider = this.provider(type)
    if (provider === undefined) throw providerNotFound(type)
    const known = this.oauthClients.get(type)
    if (known !== undefined) return known
    const { secret, fetch, now } = this.options
    const client = createOAuthClient(type, { provider, secret, fetch, now })
    this.oauthClients.set(type, client)
    return client
  }

  /** `user` with its custom data loaded; a server key keeps what was stored with it. */
  async withCustomData(user: User): Promise<User> {
    const loaded = await loadCustomUserData(this.definition.customUserData, this.options.clientFor, user.id)
    return { ...user, custom_data: { ...user.custom_data, ...loaded } }
  }

  /**
   * @throws {AppError} `AuthError` or `InvalidPassword` (401) whatever was wrong, `AuthProviderNotFound`,
   *   `UserDisabled`; status 429 after too many failures
   */
  async login(credentials: Credentials, options: LoginOptions, hooks: UserHooks): Promise<Login> {
    const provider = this.provider(credentials.provider)
    if (provider === undefined) throw providerNotFound(credentials.provider)
    switch (credentials.provider) {
      case 'api-key':
        return this.loginByKey(credentials.key, options.address)
      case 'anon-user':
        return this.enter({ providerType: 'anon-user', externalId: new ObjectId().toHexString() }, {}, options, hooks)
      case 'custom-token':
        return this.loginByToken(provider, credentials.token, options, hooks)
      case 'oauth2-google':
      case 'oauth2-facebook':
      case 'oauth2-apple': {
        const { subject, data } = await this.oauthClient(credentials.provider).verify(credentials.proof)
        return this.enter({ providerType: credentials.provider, externalId: subject }, data, options, hooks)
      }
      case 'custom-function':
        return this.loginByFunction(provider, credentials.payload, options, hooks)
      case 'local-userpass':
        return this.loginByPassword(credentials, options, hooks)
    }
  }

  private async loginByKey(key: string, address: string): Promise<Login> {
    const stored = await this.apiKeys.findByKey(key, this.now())
    if (stored === undefined) throw new AppError('AuthError', 'unauthorized')
    assertKeyAddress(stored.scope, address)
    this.apiKeys.recordUse(stored, this.now())
    const identity = { id: stored._id.toHexString(), provider_type: 'api-key' }
    if (stored.kind === 'server') return { user: serverKeyUser(stored), identity }
    const owner = await this.users.findById(stored.user_id.toHexString())
    if (owner === undefined) throw new AppError('AuthError', 'unauthorized')
    return { user: { ...owner, type: 'server' }, identity }
  }

  private async loginByToken(
    provider: AuthProvider,
    token: string,
    options: LoginOptions,
    hooks: UserHooks,
  ): Promise<Login> {
    this.customTokens ??= createCustomTokenVerifier({
      provider,
      clientAppId: this.definition.clientAppId,
      secret: this.options.secret,
      fetch: this.options.fetch,
      now: this.options.now,
    })
    const verified = await this.customTokens.verify(token)
    if (verified === undefined) throw new AppError('AuthError', 'unauthorized')
    return this.enter({ providerType: 'custom-token', externalId: verified.subject }, verified.data, options, hooks)
  }

  private async loginByFunction(
    provider: AuthProvider,
    payload: Document,
    options: LoginOptions,
    hooks: UserHooks,
  ): Promise<Login> {
    const name = provider.config.authFunctionName
    let result: unknown
    try {
      if (typeof name !== 'string' || name === '') throw new Error('no authFunctionName')
      result = await hooks.callFunction(name, [payload])
    } catch (error) {
      throw new AppError('AuthError', 'Authentication failed', { cause: error })
    }
    const account = readAuthFunctionResult(result)
    if (account === undefined) throw new AppError('AuthError', 'Authentication failed')
    const data = account.name === undefined ? {} : { name: account.name }
    return this.enter({ providerType: 'custom-function', externalId: account.id }, data, options, hooks)
  }

  private async loginByPassword(
    credentials: { username: string; password: string },
    options: LoginOptions,
    hooks: UserHooks,
  ): Promise<Login> {
    const account = `local-userpass ${credentials.username}`
    const key = { providerType: 'local-userpass', externalId: credentials.username }
    let identity: StoredIdentity | undefined
    const isRight = await this.limiter.attempt(account, options.address, async () => {
      identity = await this.users.findIdentity(key)
      return identity?.password_hash === undefined
        ? verifyNothing(credentials.password)
        : verifyPassword(credentials.password, identity.password_hash)
    })
    if (!isRight || identity === undefined) throw new AppError('InvalidPassword', 'unauthorized')
    if (identity.confirmed === false) throw new AppError('AuthError', 'confirmation required')
    return this.admit(identity, { email: credentials.username }, options, hooks)
  }

  /** Finds the identity of an account that another party vouches for, or makes it. */
  private async enter(
    key: { providerType: string; externalId: string },
    data: Document,
    options: LoginOptions,
    hooks: UserHooks,
  ): Promise<Login> {
    let identity = await this.users.findIdentity(key)
    if (identity === undefined) {
      if (!options.createUser) throw new AppError('AuthError', 'unauthorized')
      const userId = options.linkTo === undefined ? new ObjectId() : ObjectId.createFromHexString(options.linkTo)
      identity = (await this.users.claimIdentity(key, userId, this.now())).identity
    }
    return this.admit(identity, data, options, hooks)
  }

  private async admit(
    identity: StoredIdentity,
    data: Document,
    options: LoginOptions,
    hooks: UserHooks,
  ): Promise<Login> {
    const visible = toVisibleIdentity(identity, data)
    const admitted = options.linkTo === undefined ? identity : await this.link(identity, options.linkTo)
    const { user, created } = await this.ensureUser(admitted, visible, hooks)
    const event = { providers: [identity.provider_type], user, time: this.now() }
    if (created) hooks.onEvent({ operationType: 'CREATE', ...event })
    hooks.onEvent({ operationType: 'LOGIN', ...event })
    return { user, identity: visible }
  }

  /** Points a fresh identity, one that has no user yet, at the user who links it. */
  private async link(identity: StoredIdentity, userId: string): Promise<StoredIdentity> {
    if (identity.user_id.toHexString() === userId) return identity
    if ((await this.users.findById(identity.user_id.toHexString())) !== undefined)
      throw new AppError('InvalidParameter', 'a user already exists with the specified provider', { status: 400 })
    const user_id = ObjectId.createFromHexString(userId)
    await this.users.updateIdentity(identity, { user_id })
    return { ...identity, user_id }
  }

  /** Makes the user once, after the app's own creation function has agreed. */
  private async ensureUser(identity: StoredIdentity, visible: Identity, hooks: UserHooks) {
    const creationFunction = this.definition.customUserData?.enabled
      ? this.definition.customUserData.on_user_creation_function_name
      : ''
    const userId = identity.user_id.toHexString()
    if (creationFunction === '') return this.makeUser(identity, visible)
    const deadline = Date.now() + creationPatienceMs
    while (Date.now() < deadline) {
      if ((await this.users.findById(userId)) !== undefined && !(await this.users.awaitsFirstLogin(identity)))
        return this.users.ensureUser(identity, visible, this.now())
      if (await this.users.leaseCreation(identity, creationLeaseMs, this.now())) {
        try {
          const prospect: User = {
            id: userId,
            type: 'normal',
            data: visible.data ?? {},
            custom_data: {},
            identities: [visible],
          }
          await hooks.callFunction(creationFunction, [prospect])
        } catch (error) {
          await this.users.releaseCreation(identity)
          throw new AppError('AuthError', 'unauthorized', { cause: error })
        }
        const found = await this.makeUser(identity, visible)
        await this.users.releaseCreation(identity)
        return found
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new AppError('AuthError', 'unauthorized')
  }

  /** `created` also for the first login of a user whom an administrator made. */
  private async makeUser(identity: StoredIdentity, visible: Identity): Promise<FoundUser> {
    const found = await this.users.ensureUser(identity, visible, this.now())
    return { ...found, created: (await this.users.recordFirstLogin(identity)) || found.created }
  }

  /** Removes a user, its logins, keys and sessions, and tells the triggers. */
  async deleteUser(user: User, hooks: UserHooks): Promise<void> {
    const userId = ObjectId.createFromHexString(user.id)
    await this.users.delete(userId)
    await this.apiKeys.deleteOwnedBy(userId)
    await this.sessions.endAllOf(userId)
    const providers = [...new Set(user.identities.map((identity) => identity.provider_type))]
    hooks.onEvent({ operationType: 'DELETE', providers, user, time: this.now() })
  }
}

export function providerNotFound(type: string): AppError {
  return new AppError('AuthProviderNotFound', `authentication provider not found: '${type}'`)
}

/** An identity as functions and profiles show it: emails have ids of their own, as on the original service. */
export function toVisibleIdentity(identity: StoredIdentity, data: Document): Identity {
  return {
    id: identity.provider_type === 'local-userpass' ? identity._id.slice(0, 24) : identity.external_id,
    provider_type: identity.provider_type,
    ...(Object.keys(data).length > 0 && { data }),
  }
}

function readAuthFunctionResult(result: unknown): { id: string; name?: string } | undefined {
  if (typeof result === 'string') return result === '' ? undefined : { id: result }
  if (result instanceof ObjectId) return { id: result.toHexString() }
  if (typeof result !== 'object' || result === null || !('id' in result)) return undefined
  const name = 'name' in result && typeof result.name === 'string' ? { name: result.name } : {}
  if (typeof result.id === 'string' && result.id !== '') return { id: result.id, ...name }
  return result.id instanceof ObjectId ? { id: result.id.toHexString(), ...name } : undefined
}
