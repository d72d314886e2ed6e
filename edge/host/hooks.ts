import type { RequestInfo } from '../../runtime/caller.ts'
import { systemUser } from '../../runtime/user.ts'
import type { UserHooks } from '../../runtime/users/user-service.ts'
import type { HostContext } from './host-context.ts'

/** The app's functions, as logins call them: always as the system. */
export function createHooks({ runtime }: HostContext, request: RequestInfo, requestId: string): UserHooks {
  const caller = { user: systemUser, runAsSystem: true, request, requestId }
  return {
    callFunction: (name, args) => runtime.callFunction(name, args, caller, 'system'),
    // In the background: the login has already happened.
    onEvent: (event) => void runtime.triggers.authentication(event),
  }
}
