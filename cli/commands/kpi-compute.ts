import { isMidnight } from '../../domain/instant.ts'
import { type Command, UsageError } from '../command.ts'
import { withKpiFunctions } from '../kpi-functions.ts'
import { instantOption, optionalInstantOption, refuseArguments } from '../kpi-options.ts'

/** One line a number; tables are for --json. */
function toText(snapshot: Readonly<Record<string, unknown>>): string {
  const metrics = Object.entries(Object(snapshot.metrics)).filter(([, value]) => !Array.isArray(value))
  const width = Math.max(...metrics.map(([name]) => name.length))
  const date = snapshot.snapshot_date instanceof Date ? snapshot.snapshot_date.toISOString() : ''
  return [
    `${'snapshot_date'.padEnd(width)}  ${date}${snapshot.partial === true ? ' (partial)' : ''}`,
    ...metrics.map(([name, value]) => `${name.padEnd(width)}  ${value === null ? '-' : String(value)}`),
  ].join('\n')
}

export const command: Command = {
  name: 'kpi compute',
  summary: 'Computes the KPI snapshot as of an instant and stores it; --dry-run reads raw data only and writes nothing',
  usage: '--as-of DAY|INSTANT [--window-from DAY|INSTANT] [--dry-run] [--uri mongodb://...] [--json]',
  options: { 'as-of': { type: 'string' }, 'window-from': { type: 'string' }, 'dry-run': { type: 'boolean' } },
  async run(context) {
    refuseArguments(context)
    const asOf = instantOption(context, 'as-of')
    const windowFrom = optionalInstantOption(context, 'window-from')
    if (windowFrom !== undefined && windowFrom >= asOf) throw new UsageError('--window-from must be before --as-of')
    const dryRun = context.values['dry-run'] === true
    if (!dryRun && asOf > Date.now()) context.progress('in the future: a partial result, which is not stored')
    else if (!dryRun && !isMidnight(asOf)) context.progress('not a midnight UTC: a partial result, which is not stored')
    else if (!dryRun && windowFrom !== undefined) context.progress('a window of its own: the result is not stored')
    return withKpiFunctions(context, async (call) => {
      const snapshot = await call('computeKpiSnapshot', new Date(asOf), {
        dry_run: dryRun,
        ...(windowFrom === undefined ? {} : { window_from: new Date(windowFrom) }),
      })
      context.output(snapshot, toText(Object(snapshot)))
      return 0
    })
  },
}
