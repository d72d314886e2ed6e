import type { Trigger } from '../../schemas/app/definition.ts'
import type { Namespace } from '../data/data-access.ts'
import type { Runtime } from '../runtime.ts'
import { systemUser } from '../user.ts'

/**
 * Runs a trigger's function once, as the system and with an empty request. Its error is in the log; it is not retried
 * and concerns no other trigger (spec: triggers 1 and 5).
 *
 * @param onWrite told of each namespace that the function writes to
 */
export async function fire(
  runtime: Runtime,
  trigger: Trigger,
  args: readonly unknown[],
  onWrite?: (namespace: Namespace) => void,
): Promise<void> {
  if (trigger.function_name === undefined) return
  const caller = { user: systemUser, runAsSystem: true, request: {}, requestId: crypto.randomUUID() }
  try {
    await runtime.callFunction(trigger.function_name, args, caller, 'trigger', onWrite === undefined ? {} : { onWrite })
  } catch {
    // callFunction has logged it.
  }
}

/** Why a trigger cannot run at all, or undefined. */
export function invalidReason(runtime: Runtime, trigger: Trigger): string | undefined {
  const { functions, broken } = runtime.built
  const name = trigger.function_name
  if (name === undefined) return 'it sends to EventBridge, which is not served here'
  if (Object.hasOwn(broken, name)) return `its function "${name}" cannot run: ${broken[name]?.message}`
  if (!Object.hasOwn(functions, name)) return `its function "${name}" does not exist`
  return undefined
}
