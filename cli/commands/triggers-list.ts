import type { StoredTrigger } from '../../runtime/triggers/index.ts'
import { scheduleError } from '../../runtime/triggers/index.ts'
import type { Trigger } from '../../schemas/app/definition.ts'
import type { Command } from '../command.ts'
import { withTriggers } from '../trigger-store.ts'

function stateOf(trigger: Trigger, stored: StoredTrigger | undefined): { state: string; reason?: string } {
  if (trigger.disabled) return { state: 'disabled' }
  const invalid = trigger.type === 'SCHEDULED' ? scheduleError(trigger) : undefined
  if (invalid !== undefined) return { state: 'invalid', reason: invalid }
  return stored?.suspended === undefined
    ? { state: 'enabled' }
    : { state: 'suspended', reason: stored.suspended.reason }
}

export const command: Command = {
  name: 'triggers list',
  summary: 'Lists the triggers of an app and which of them are suspended',
  usage: '[--app DIR] [--uri mongodb://...] [--json]',
  async run(context) {
    return withTriggers(context, async (triggers, store) => {
      const stored = await store.load()
      const rows = triggers.map((trigger) => {
        const { updated_at, last_minute } = stored.get(trigger.name) ?? {}
        return {
          name: trigger.name,
          type: trigger.type,
          function_name: trigger.function_name ?? null,
          ...stateOf(trigger, stored.get(trigger.name)),
          last_run: (trigger.type === 'SCHEDULED' ? last_minute : updated_at)?.toISOString() ?? null,
        }
      })
      const lines = rows.map(({ name, type, state, reason }) =>
        [state.padEnd(9), type.padEnd(14), name, ...(reason === undefined ? [] : [`(${reason})`])].join('  '),
      )
      context.output(rows, lines.length > 0 ? lines.join('\n') : 'the app has no triggers')
      return 0
    })
  },
}
