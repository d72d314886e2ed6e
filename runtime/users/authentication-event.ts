import type { AppDefinition } from '../../schemas/app/definition.ts'
import type { User } from '../user.ts'

/** The argument of an authentication trigger's function (spec: triggers 4). */
export interface AuthenticationEvent {
  operationType: 'LOGIN' | 'CREATE' | 'DELETE'
  providers: string[]
  user: User
  time: Date
}

/** The functions that an event calls. */
export function triggeredFunctions(definition: AppDefinition, event: AuthenticationEvent): string[] {
  return definition.triggers.flatMap((trigger) =>
    trigger.type === 'AUTHENTICATION' &&
    !trigger.disabled &&
    trigger.function_name !== undefined &&
    trigger.config.operation_types.includes(event.operationType) &&
    trigger.config.providers.some((provider) => event.providers.includes(provider))
      ? [trigger.function_name]
      : [],
  )
}
