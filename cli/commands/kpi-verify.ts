import { EJSON } from 'bson'
import { dayName } from '../../domain/instant.ts'
import { type Command, CommandError } from '../command.ts'
import { withKpiFunctions } from '../kpi-functions.ts'
import { dayRangeOptions, refuseArguments } from '../kpi-options.ts'

interface Difference {
  readonly snapshot_date: Date
  readonly final: boolean
  readonly metrics: readonly { readonly name: string; readonly stored: unknown; readonly computed: unknown }[]
}

interface DifferingRow {
  readonly collection: string
  readonly id: unknown
  readonly problem: string
  readonly fields: readonly { readonly name: string; readonly stored: unknown; readonly computed: unknown }[]
}

interface Verification {
  readonly checked: number
  readonly differing: readonly Difference[]
  readonly differing_rows: readonly DifferingRow[]
  readonly missing: readonly Date[]
  readonly next: Date | null
}

function isVerification(value: unknown): value is Verification {
  return (
    typeof value === 'object' && value !== null && 'checked' in value && 'differing_rows' in value && 'next' in value
  )
}

function toLine({ collection, id, problem, fields }: DifferingRow): string {
  const changes = fields.map(
    ({ name, stored, computed }) => `${name}: stored ${text(stored)}, raw data says ${text(computed)}`,
  )
  return `${collection} ${text(id)} ${problem === 'differs' ? changes.join('; ') : `is ${problem}`}`
}

function text(value: unknown): string {
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'string' ? value : EJSON.stringify(value)
}

export const command: Command = {
  name: 'kpi verify',
  summary:
    'Recomputes stored snapshots, rollups and segments from raw data and reports what differs; exit 1 when anything does',
  usage: '--from DAY --to DAY [--uri mongodb://...] [--json]',
  options: { from: { type: 'string' }, to: { type: 'string' } },
  async run(context) {
    refuseArguments(context)
    const { from, to, days } = dayRangeOptions(context)
    return withKpiFunctions(context, async (call) => {
      const differing: Difference[] = []
      const rows: DifferingRow[] = []
      const missing: Date[] = []
      let checked = 0
      let next: Date | null = new Date(from)
      while (next !== null) {
        const result = await call('verifyKpiSnapshots', next, new Date(to))
        if (!isVerification(result))
          throw new CommandError('verifyKpiSnapshots answered something else than its findings')
        checked += result.checked
        differing.push(...result.differing)
        rows.push(...result.differing_rows)
        missing.push(...result.missing)
        next = result.next
        context.progress(
          `${checked + missing.length} of ${days} days, ${differing.length} snapshots and ${rows.length} derived rows differ`,
        )
      }
      const lines = differing.flatMap((snapshot) =>
        snapshot.metrics.map(
          ({ name, stored, computed }) =>
            `${dayName(+snapshot.snapshot_date)}${snapshot.final ? ' (final)' : ''}  ${name}: stored ${text(stored)}, raw data says ${text(computed)}`,
        ),
      )
      lines.push(...rows.map(toLine))
      lines.push(
        `${checked} snapshots checked, ${differing.length} differ, ${missing.length} days have none; ${rows.length} derived rows differ`,
      )
      if (differing.length + rows.length > 0)
        lines.push('kpi explain shows the rows behind a number; kpi backfill mends')
      context.output({ checked, differing, differing_rows: rows, missing }, lines.join('\n'))
      return differing.length + rows.length === 0 ? 0 : 1
    })
  },
}
