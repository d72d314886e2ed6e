import type { AuthenticationTrigger } from '../../schemas/app/definition.ts'
import { userView } from '../functions/user-view.ts'
import type { User } from '../user.ts'

export interface AuthenticationEvent {
  readonly operationType: 'LOGIN' | 'CREATE' | 'DELETE'
  /** Provider types: the one used, or all of the user's for `DELETE`. */
  readonly providers: readonly string[]
  readonly user: User
  readonly time: Date
}

/** True when the trigger fires for the event (spec: triggers 4). */
export function matchesAuthentication(trigger: AuthenticationTrigger, event: AuthenticationEvent): boolean {
  return (
    !trigger.disabled &&
    trigger.config.operation_types.includes(event.operationType) &&
    trigger.config.providers.some((provider) => event.providers.includes(provider))
  )
}

/** The event as the function gets it. */
export function authenticationArgument(event: AuthenticationEvent): unknown {
  return {
    operationType: event.operationType,
    providers: [...event.providers],
    user: userView(event.user),
    time: event.time,
  }
}
