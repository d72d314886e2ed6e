import type { Caller } from './caller.ts'
import { createDataAccess } from './data/index.ts'
import { createScope, evaluate } from './expression/index.ts'
import { callFunction, type FunctionHost } from './functions/call-function.ts'
import type { Runtime, RuntimeOptions } from './runtime.ts'
import { authenticationArgument, matchesAuthentication } from './triggers/authentication.ts'
import { fire } from './triggers/fire.ts'
import { openUserState } from './users/state.ts'
import { UserStore } from './users/user-store.ts'

/** Puts one app together from its parts. Opens nothing: the clients in `options` are the caller's. */
export function createRuntime(options: RuntimeOptions): Runtime {
  const { built, stateClient, stateDatabase, secrets } = options
  const users = new UserStore(openUserState(stateClient, built.definition.clientAppId, stateDatabase))
  const runtime: Runtime = {
    built,
    options,
    dataAccess: (caller: Caller) => createDataAccess(runtime, caller),
    callFunction: (name, args, caller, source, callOptions) =>
      callFunction(host, name, args, caller, source, callOptions),
    value(name: string) {
      const value = built.definition.values.find((candidate) => candidate.name === name)
      if (value === undefined) return undefined
      if (!value.from_secret) return value.value
      return typeof value.value === 'string' && Object.hasOwn(secrets, value.value) ? secrets[value.value] : undefined
    },
    triggers: {
      async authentication(event) {
        const matching = built.definition.triggers.filter(
          (trigger) => trigger.type === 'AUTHENTICATION' && matchesAuthentication(trigger, event),
        )
        await Promise.all(
          matching.map((trigger) => fire(runtime, trigger, [authenticationArgument(event)], { retries: 0 })),
        )
      },
    },
  }
  const host: FunctionHost = {
    runtime,
    lastDeployed: options.now(),
    findUser: (id) => users.findById(id),
    canEvaluate: (expression, caller, args) => evaluate(expression, { ...createScope(runtime, caller), args }),
  }
  return runtime
}
