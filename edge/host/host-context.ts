import type { Limiter } from '../../runtime/limits/limiter.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import type { AddressRanges } from '../../runtime/users/address-ranges.ts'
import type { ExternalUsers } from '../../runtime/users/external-user.ts'
import type { OAuthFlows } from '../../runtime/users/oauth/flows.ts'
import type { TokenMail } from '../../runtime/users/password-accounts.ts'
import type { Tokens } from '../../runtime/users/tokens.ts'
import type { UserService } from '../../runtime/users/user-service.ts'

/** What every handler of the host is given. */
export interface HostContext {
  readonly runtime: Runtime
  readonly users: UserService
  /** The people and machines of identity providers. */
  readonly externalUsers: ExternalUsers
  readonly limiter: Limiter
  /** Browsers on their way to an identity provider and back. */
  readonly oauthFlows: OAuthFlows
  /** Who may use the app at all; undefined: everyone. */
  readonly allowedAddresses: AddressRanges | undefined
  readonly tokens: Tokens
  readonly settings: HostSettings
}

export interface HostSettings {
  /** Errors of an action as a bare JSON string instead of the envelope (spec: Data API 5). Default false. */
  readonly plainActionErrors: boolean
  /** Hands a confirmation or reset token to whoever sends mail; absent: nothing is sent, and the log says so. */
  readonly sendMail: ((mail: TokenMail) => Promise<void>) | undefined
  /** What else limits the app, for `/ready`: one line each, such as the status of triggers. Default none. */
  readonly readyReasons: () => readonly string[] | Promise<readonly string[]>
}
