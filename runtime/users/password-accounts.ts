import { ObjectId } from 'bson'
import type { JsonObject } from '../../schemas/app/definition.ts'
import { AppError } from '../errors.ts'
import type { User } from '../user.ts'
import type { OneTimeToken, StoredIdentity } from './documents.ts'
import { constantTimeEqual, hashPassword, sha256Hex, verifyPassword } from './hash.ts'
import { randomToken } from './random.ts'
import { toVisibleIdentity, type UserHooks, type UserService } from './user-service.ts'

/** A link to be mailed. */
export interface TokenMail {
  readonly purpose: 'confirm' | 'reset'
  readonly to: string
  readonly subject: string
  /** The app's configured page with `token` and `tokenId` in its query. */
  readonly url: string
}

export interface AccountHooks extends UserHooks {
  sendMail(mail: TokenMail): Promise<void>
}

type Outcome = 'success' | 'pending' | 'fail'

/** The longest address that mail can have (RFC 5321, 4.5.3.1). */
const maxEmailLength = 320
const confirmationLifetimeMs = 30 * 86_400_000
const resetLifetimeMs = 30 * 60_000

/** Registration, confirmation and password resets of `local-userpass` (spec: Data API 8, app folder 8). */
export class PasswordAccounts {
  private readonly service: UserService
  private readonly hooks: AccountHooks
  private readonly config: JsonObject

  /** @throws {AppError} `AuthProviderNotFound` */
  constructor(service: UserService, hooks: AccountHooks) {
    const provider = service.provider('local-userpass')
    if (provider === undefined)
      throw new AppError('AuthProviderNotFound', "authentication provider not found: 'local-userpass'")
    this.service = service
    this.hooks = hooks
    this.config = provider.config
  }

  /** @throws {AppError} `BadRequest` for the name, the password or a refusing function, `AccountNameInUse` */
  async register(email: string, password: string): Promise<void> {
    assertEmail(email)
    assertPassword(password)
    const now = this.service.now()
    const { token, stored } = await newToken(now, confirmationLifetimeMs)
    const isConfirmed = this.config.autoConfirm === true
    const { identity, created } = await this.service.users.claimIdentity(keyOf(email), new ObjectId(), now, {
      password_hash: await hashPassword(password),
      confirmed: isConfirmed,
      ...(!isConfirmed && { confirmation: stored }),
    })
    if (!created) throw new AppError('AccountNameInUse', 'name already in use')
    if (isConfirmed) return
    if (this.config.runConfirmationFunction !== true) return this.mailConfirmation(email, token, stored)
    try {
      await this.runConfirmation(identity, token, stored)
    } catch (error) {
      await this.service.users.deleteIdentity(identity)
      throw error
    }
  }

  /** @throws {AppError} `UserpassTokenInvalid` */
  async confirm(token: string, tokenId: string): Promise<void> {
    const identity = await this.service.users.findByToken('confirmation', tokenId)
    await this.assertToken(identity?.confirmation, token)
    if (identity) await this.markConfirmed(identity)
  }

  /** @throws {AppError} `UserNotFound`, `UserAlreadyConfirmed` */
  async resendConfirmation(email: string): Promise<void> {
    const identity = await this.unconfirmed(email)
    const { token, stored } = await newToken(this.service.now(), confirmationLifetimeMs)
    await this.service.users.updateIdentity(identity, { confirmation: stored })
    await this.mailConfirmation(email, token, stored)
  }

  /** @throws {AppError} `BadRequest`, `UserNotFound`, `UserAlreadyConfirmed` */
  async callConfirmation(email: string): Promise<void> {
    const refuse = (reason: string) =>
      new AppError('BadRequest', `cannot run confirmation for ${email}: ${reason} is enabled`)
    if (this.config.autoConfirm === true) throw refuse('automatic confirmation')
    if (this.config.runConfirmationFunction !== true) throw refuse('email confirmation')
    const identity = await this.unconfirmed(email)
    const { token, stored } = await newToken(this.service.now(), confirmationLifetimeMs)
    await this.service.users.updateIdentity(identity, { confirmation: stored })
    await this.runConfirmation(identity, token, stored)
  }

  /** @throws {AppError} `BadRequest` in function mode, `UserNotFound` */
  async sendReset(email: string): Promise<void> {
    if (this.config.runResetFunction === true)
      throw new AppError('BadRequest', 'please use reset password via function')
    const identity = await this.existing(email)
    const { token, stored } = await newToken(this.service.now(), resetLifetimeMs)
    await this.service.users.updateIdentity(identity, { reset: stored })
    await this.hooks.sendMail({
      purpose: 'reset',
      to: email,
      subject: text(this.config.resetPasswordSubject) || 'Reset your password',
      url: linkOf(text(this.config.resetPasswordUrl), token, stored.token_id),
    })
  }

  /** @throws {AppError} `UserpassTokenInvalid`, `BadRequest` */
  async reset(token: string, tokenId: string, password: string): Promise<void> {
    assertPassword(password)
    const identity = await this.service.users.findByToken('reset', tokenId)
    await this.assertToken(identity?.reset, token)
    if (identity) await this.setPassword(identity, password)
  }

  /** @throws {AppError} `BadRequest` when the function refuses or there is none, `UserNotFound` */
  async callReset(email: string, password: string, args: readonly unknown[]): Promise<void> {
    if (this.config.runResetFunction !== true) throw new AppError('BadRequest', 'please use reset password via email')
    assertPassword(password)
    const identity = await this.existing(email)
    const { token, stored } = await newToken(this.service.now(), resetLifetimeMs)
    const currentPasswordValid =
      identity.password_hash !== undefined && (await verifyPassword(password, identity.password_hash))
    const request = { token, tokenId: stored.token_id, username: email, password, currentPasswordValid }
    await this.service.users.updateIdentity(identity, { reset: stored })
    const outcome = await this.ask(this.config.resetFunctionName, [request, ...args])
    if (outcome === 'fail') {
      await this.service.users.updateIdentity(identity, {}, { reset: '' })
      throw new AppError('BadRequest', `failed to reset password for user "${email}"`)
    }
    if (outcome === 'success') await this.setPassword(identity, password)
  }

  private async runConfirmation(identity: StoredIdentity, token: string, stored: OneTimeToken): Promise<void> {
    const request = { token, tokenId: stored.token_id, username: identity.external_id }
    const outcome = await this.ask(this.config.confirmationFunctionName, [request])
    if (outcome === 'fail') throw new AppError('BadRequest', `failed to confirm user ${identity.external_id}`)
    if (outcome === 'success') await this.markConfirmed(identity)
  }

  /** What an app's function decides; one that throws or answers anything else refuses. */
  private async ask(name: unknown, args: readonly unknown[]): Promise<Outcome> {
    if (typeof name !== 'string' || name === '') return 'fail'
    try {
      const answer = await this.hooks.callFunction(name, args)
      const status = typeof answer === 'object' && answer !== null && 'status' in answer ? answer.status : undefined
      return status === 'success' || status === 'pending' ? status : 'fail'
    } catch {
      return 'fail'
    }
  }

  private async mailConfirmation(email: string, token: string, stored: OneTimeToken): Promise<void> {
    await this.hooks.sendMail({
      purpose: 'confirm',
      to: email,
      subject: text(this.config.confirmEmailSubject) || 'Confirm your address',
      url: linkOf(text(this.config.emailConfirmationUrl), token, stored.token_id),
    })
  }

  private markConfirmed(identity: StoredIdentity): Promise<void> {
    return this.service.users.updateIdentity(identity, { confirmed: true }, { confirmation: '' })
  }

  /** A new password ends every login made with the old one. */
  private async setPassword(identity: StoredIdentity, password: string): Promise<void> {
    await this.service.users.updateIdentity(identity, { password_hash: await hashPassword(password) }, { reset: '' })
    await this.service.sessions.endAllOf(identity.user_id)
  }

  private async existing(email: string): Promise<StoredIdentity> {
    const identity = await this.service.users.findIdentity(keyOf(email))
    if (identity === undefined) throw new AppError('UserNotFound', 'user not found')
    return identity
  }

  private async unconfirmed(email: string): Promise<StoredIdentity> {
    const identity = await this.existing(email)
    if (identity.confirmed !== false) throw new AppError('UserAlreadyConfirmed', 'already confirmed')
    return identity
  }

  private async assertToken(stored: OneTimeToken | undefined, token: string): Promise<void> {
    const isRight = await constantTimeEqual(await sha256Hex(token), stored?.token_hash ?? '')
    if (!isRight || stored === undefined || stored.expires_at <= this.service.now())
      throw new AppError('UserpassTokenInvalid', 'invalid token data')
  }
}

/**
 * Creates a user who needs no confirmation, as an administrator does. The app hears of the user at the first login: its
 * creation function and its authentication triggers run then.
 *
 * @throws {AppError} `AccountNameInUse`, `BadRequest` for the name or the password
 */
export async function createConfirmedUser(service: UserService, email: string, password: string): Promise<User> {
  assertEmail(email)
  assertPassword(password)
  const now = service.now()
  const { identity, created } = await service.users.claimIdentity(keyOf(email), new ObjectId(), now, {
    password_hash: await hashPassword(password),
    confirmed: true,
    awaits_first_login: true,
  })
  if (!created) throw new AppError('AccountNameInUse', 'name already in use')
  return (await service.users.ensureUser(identity, toVisibleIdentity(identity, { email }), now)).user
}

/**
 * A name need not be an address, but mails and logs are written with it.
 *
 * @throws {AppError} `BadRequest`
 */
function assertEmail(email: string): void {
  if (email.length > maxEmailLength || /\p{Cc}/u.test(email))
    throw new AppError(
      'BadRequest',
      `'email' must have at most ${maxEmailLength} characters, none of them a control character`,
    )
}

/** @throws {AppError} `BadRequest` */
export function assertPassword(password: string): void {
  if (password.length < 6 || password.length > 128)
    throw new AppError('BadRequest', 'password must be between 6 and 128 characters')
}

function keyOf(email: string) {
  return { providerType: 'local-userpass', externalId: email }
}

async function newToken(now: Date, lifetimeMs: number): Promise<{ token: string; stored: OneTimeToken }> {
  const token = randomToken(64)
  return {
    token,
    stored: {
      token_id: new ObjectId().toHexString(),
      token_hash: await sha256Hex(token),
      expires_at: new Date(now.getTime() + lifetimeMs),
    },
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function linkOf(page: string, token: string, tokenId: string): string {
  const separator = page.includes('?') ? '&' : '?'
  return `${page}${separator}token=${token}&tokenId=${tokenId}`
}
