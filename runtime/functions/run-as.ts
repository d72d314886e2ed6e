import type { FunctionConfig } from '../../schemas/app/definition.ts'
import type { Caller } from '../caller.ts'
import { AppError } from '../errors.ts'
import type { CallSource } from '../runtime.ts'
import { systemUser, type User } from '../user.ts'

/** What resolving an identity may need. */
export interface RunAsSources {
  findUser(id: string): Promise<User | undefined>
  /** Runs the generated function of a `run_as_user_id_script_source` as the system. */
  runScript(name: string, caller: Caller): Promise<unknown>
}

async function asUser(id: string, caller: Caller, sources: RunAsSources): Promise<Caller> {
  const user = await sources.findUser(id)
  if (user === undefined) throw new AppError('UserNotFound', 'the user that the function runs as was not found')
  return { ...caller, user, runAsSystem: false }
}

async function asScriptSays(script: string, caller: Caller, sources: RunAsSources): Promise<Caller> {
  const answer = await sources.runScript(script, caller)
  if (typeof answer === 'string') return asUser(answer, caller, sources)
  if (typeof answer === 'object' && answer !== null && 'runAsSystem' in answer && answer.runAsSystem === true)
    return { ...caller, runAsSystem: true }
  throw new AppError('FunctionExecutionError', 'the run-as script returned neither a user id nor { runAsSystem: true }')
}

/**
 * Who a function runs as (spec: function runtime 2). Triggers are always the system. Inside a run only
 * `run_as_system` has an effect: everything else keeps the identity of the calling function. Run-as-system elevates but
 * `context.user` stays the calling user.
 *
 * @returns synchronously wherever no database is needed, so that synchronous callees stay synchronous
 */
export function resolveRunAs(
  config: FunctionConfig,
  caller: Caller,
  source: CallSource,
  sources: RunAsSources,
): Caller | Promise<Caller> {
  if (source === 'trigger') return { ...caller, user: systemUser, runAsSystem: true, request: {} }
  if (config.run_as_system) return { ...caller, runAsSystem: true }
  if (source === 'function' || source === 'rule' || source === 'system') return caller
  if (config.run_as_user_id !== '') return asUser(config.run_as_user_id, caller, sources)
  if (config.run_as_user_id_script !== '') return asScriptSays(config.run_as_user_id_script, caller, sources)
  return caller
}
