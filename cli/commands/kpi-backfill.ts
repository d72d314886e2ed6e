import { dayName } from '../../domain/instant.ts'
import { type Command, CommandError, UsageError } from '../command.ts'
import { withKpiFunctions } from '../kpi-functions.ts'
import { dayRangeOptions, refuseArguments } from '../kpi-options.ts'

interface Progress {
  readonly computed: number
  readonly written: number
  readonly next: Date | null
  readonly started: Date
}

function isProgress(value: unknown): value is Progress {
  return typeof value === 'object' && value !== null && 'computed' in value && 'written' in value && 'next' in value
}

/** Snapshots between two lines of progress. */
const perCall = 122

export const command: Command = {
  name: 'kpi backfill',
  summary: 'Recomputes and stores every snapshot of a range of days, both included; restartable',
  usage: '--from DAY --to DAY [--uri mongodb://...] [--json]',
  options: { from: { type: 'string' }, to: { type: 'string' } },
  async run(context) {
    refuseArguments(context)
    const { from, to, days } = dayRangeOptions(context)
    if (to > Date.now()) throw new UsageError('--to must not be in the future: its day is not over')
    return withKpiFunctions(context, async (call) => {
      let [computed, written] = [0, 0]
      let [next, started]: [Date | null, Date | undefined] = [new Date(from), undefined]
      while (next !== null) {
        const result = await call('backfillKpiSnapshots', next, new Date(to), {
          limit: perCall,
          ...(started === undefined ? {} : { started }),
        })
        if (!isProgress(result))
          throw new CommandError('backfillKpiSnapshots answered something else than its progress')
        computed += result.computed
        written += result.written
        next = result.next
        started = result.started
        context.progress(
          `${computed} of ${days} snapshots, ${written} written${next ? `; next ${dayName(+next)}` : ''}`,
        )
      }
      context.output({ computed, written }, `${computed} snapshots computed, ${written} written`)
      return 0
    })
  },
}
