import type { Runtime } from '../runtime.ts'
import { defaultStateDatabase } from '../users/state.ts'
import { invalidReason } from './fire.ts'
import { scheduleError } from './schedules.ts'
import { statusReasons, type TriggerStatus } from './status.ts'
import { TriggerStore } from './trigger-store.ts'

/**
 * One line for each cause that keeps triggers from running, as far as the app and the stored positions tell: whichever
 * host runs them, and whether one does.
 */
export async function loadTriggerReasons(runtime: Runtime): Promise<string[]> {
  const { built, options } = runtime
  const triggers = built.definition.triggers.filter(({ disabled }) => !disabled)
  if (triggers.length === 0) return []
  const { clientAppId } = built.definition
  const store = new TriggerStore(options.stateClient, clientAppId, options.stateDatabase ?? defaultStateDatabase)
  const stored = await store.load()
  return statusReasons(
    triggers.flatMap((trigger): TriggerStatus[] => {
      const { name, type } = trigger
      const invalid = invalidReason(runtime, trigger) ?? (type === 'SCHEDULED' ? scheduleError(trigger) : undefined)
      if (invalid !== undefined) return [{ name, type, state: 'invalid', reason: invalid }]
      const suspended = stored.get(name)?.suspended
      return suspended === undefined ? [] : [{ name, type, state: 'suspended', reason: suspended.reason }]
    }),
  )
}
