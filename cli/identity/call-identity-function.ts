import { systemUser } from '../../runtime/user.ts'
import { CommandError } from '../command.ts'
import type { OpenRuntime } from '../open-runtime.ts'

/**
 * Calls one of the app's functions over exported users, as the system.
 *
 * @throws {CommandError} when the app has no such function
 */
export async function callIdentityFunction<T>(
  { runtime }: OpenRuntime,
  name: string,
  args: unknown[],
  isResult: (value: unknown) => value is T,
): Promise<T> {
  if (!runtime.built.definition.functions.some((candidate) => candidate.name === name))
    throw new CommandError(`the app of --app has no function ${name}: its users are not synchronised with Auth0`)
  const caller = { user: systemUser, runAsSystem: true, request: {}, requestId: `cli-${name}` }
  const result = await runtime.callFunction(name, args, caller, 'system')
  if (!isResult(result)) throw new CommandError(`the function ${name} of the app answers something else`)
  return result
}

export function hasLists(value: unknown, ...names: string[]): boolean {
  return typeof value === 'object' && value !== null && names.every((name) => Array.isArray(Reflect.get(value, name)))
}
