import { dayMs, type Instant, isMidnight } from '../domain/instant.ts'
import type { Context } from '../runtime/context.ts'
import { InvalidArgument, optionalInstant, optionsRecord, requireInstant } from './shared/arguments.ts'
import { countBrokenDates } from './shared/broken-dates.ts'
import { fillSnapshots } from './shared/fill-snapshots.ts'
import { readConfig } from './shared/read-config.ts'
import { refreshSegments } from './shared/segment-store.ts'

/** A call stops after this long, far inside the 300 s of a function; the caller goes on from `next`. */
const budgetMs = 60_000
const daysPerStep = 122

export interface BackfillResult {
  readonly computed: number
  readonly written: number
  /** The first date not done yet, for the next call; null: all done. */
  readonly next: Date | null
  /** Hand it to the next call, so that days rolled up by this one are not rolled up again. */
  readonly started: Date
}

/**
 * Recomputes and stores every snapshot of `[from, to]`, final ones too, in chunks: call it again with `next` and
 * `started` until `next` is null. Restartable, and safe to run twice or beside the nightly run.
 *
 * @param from first snapshot date, midnight UTC
 * @param to last snapshot date, included
 * @param options `started`: of an earlier call of the same backfill · `limit`: most snapshots in this call
 * @throws {Error} `InvalidArgument: ...` when a date is none, no midnight, `to` is before `from` or in the future
 */
export default async function backfillKpiSnapshots(
  context: Context,
  from: unknown,
  to: unknown,
  options?: unknown,
): Promise<BackfillResult> {
  const first = requireMidnight(from, 'from')
  const last = requireMidnight(to, 'to')
  if (last < first) throw new InvalidArgument('to must not be before from')
  if (last > Date.now()) throw new InvalidArgument('to must not be in the future: its day is not over')
  const record = optionsRecord(options)
  const limit =
    typeof record.limit === 'number' && record.limit >= 1 ? Math.floor(record.limit) : Number.MAX_SAFE_INTEGER
  const now = new Date()
  const earlier = optionalInstant(record.started, 'started')
  const started = earlier ?? now.getTime()
  const { config, problems } = await readConfig(context)
  const { logTo } = await refreshSegments(context, config, now, earlier === undefined)
  const brokenDates = await countBrokenDates(context)
  let computed = 0
  let written = 0
  let next = first
  while (next <= last && computed < limit && Date.now() - now.getTime() < budgetMs) {
    const dates: Instant[] = []
    for (; next <= last && dates.length < Math.min(daysPerStep, limit - computed); next += dayMs) dates.push(next)
    const filled = await fillSnapshots(context, dates, {
      config,
      problems: problems.length,
      brokenDates,
      logTo,
      now,
      rolledSince: started,
      force: true,
    })
    computed += filled.computed
    written += filled.written.length
  }
  return { computed, written, next: next <= last ? new Date(next) : null, started: new Date(started) }
}

function requireMidnight(value: unknown, name: string): Instant {
  const instant = requireInstant(value, name)
  if (!isMidnight(instant)) throw new InvalidArgument(`${name} must be a midnight UTC: YYYY-MM-DD`)
  return instant
}
