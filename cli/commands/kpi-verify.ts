import { dayName } from '../../domain/instant.ts'
import { type Command, CommandError } from '../command.ts'
import { withKpiFunctions } from '../kpi-functions.ts'
import { dayRangeOptions } from '../kpi-options.ts'

interface Difference {
  readonly snapshot_date: Date
  readonly metrics: readonly { readonly name: string; readonly stored: unknown; readonly computed: unknown }[]
}

interface Verification {
  readonly checked: number
  readonly differing: readonly Difference[]
  readonly missing: readonly Date[]
  readonly next: Date | null
}

function isVerification(value: unknown): value is Verification {
  return typeof value === 'object' && value !== null && 'checked' in value && 'differing' in value && 'next' in value
}

export const command: Command = {
  name: 'kpi verify',
  summary: 'Recomputes stored snapshots from raw data and reports those that differ; exit 1 when any does',
  usage: '--from DAY --to DAY [--uri mongodb://...] [--json]',
  options: { from: { type: 'string' }, to: { type: 'string' } },
  async run(context) {
    const { from, to, days } = dayRangeOptions(context)
    return withKpiFunctions(context, async (call) => {
      const differing: Difference[] = []
      const missing: Date[] = []
      let checked = 0
      let next: Date | null = new Date(from)
      while (next !== null) {
        const result = await call('verifyKpiSnapshots', next, new Date(to))
        if (!isVerification(result))
          throw new CommandError('verifyKpiSnapshots answered something else than its findings')
        checked += result.checked
        differing.push(...result.differing)
        missing.push(...result.missing)
        next = result.next
        context.progress(`${checked + missing.length} of ${days} days, ${differing.length} snapshots differ`)
      }
      const lines = differing.flatMap((snapshot) =>
        snapshot.metrics.map(
          ({ name, stored, computed }) =>
            `${dayName(+snapshot.snapshot_date)}  ${name}: stored ${String(stored)}, raw data says ${String(computed)}`,
        ),
      )
      lines.push(`${checked} snapshots checked, ${differing.length} differ, ${missing.length} days have none`)
      context.output({ checked, differing, missing }, lines.join('\n'))
      return differing.length === 0 ? 0 : 1
    })
  },
}
