import { dayMs, type Instant } from '../../domain/instant.ts'
import { monthWindowMs } from '../../domain/kpi/active-users.ts'
import type { KpiConfig } from '../../domain/kpi/config.ts'
import type { Context } from '../../runtime/context.ts'
import { nextSpan } from './daily-people.ts'
import { computeDerivedSnapshots } from './derived-snapshots.ts'
import { readRollups, rollUpDays, toRanges } from './rollup.ts'
import { storeSnapshots } from './snapshot-store.ts'

/** Days of the first rollup of a run; the next ones are as long as its people let them be. */
const firstSpan = 31
/** Snapshots computed at once: bounds what is held in memory, and amortises the 30 days read before the first. */
const snapshotsPerRead = 122

export interface FillResult {
  readonly computed: number
  readonly written: Date[]
  readonly differingFinals: Date[]
  readonly overtaken: Date[]
}

export interface FillOptions {
  readonly config: KpiConfig
  readonly problems: number
  readonly brokenDates: number
  readonly logTo: Instant
  readonly now: Date
  /** Days last rolled up before this instant are rolled up again. */
  readonly rolledSince: Instant
  /** Replaces final snapshots too. */
  readonly force: boolean
}

/** Computes and stores the snapshots of ascending midnights; segments must be current. */
export async function fillSnapshots(
  context: Context,
  dates: readonly Instant[],
  options: FillOptions,
): Promise<FillResult> {
  const written: Date[] = []
  const differingFinals: Date[] = []
  const overtaken: Date[] = []
  for (const chunk of toChunks(dates)) {
    const first = chunk[0] ?? 0
    const last = chunk[chunk.length - 1] ?? 0
    await ensureRollups(context, first - monthWindowMs, last, options)
    const readAt = new Date()
    const snapshots = await computeDerivedSnapshots(context, chunk, options)
    const stored = await storeSnapshots(context, snapshots, {
      readAt,
      lateWindowDays: options.config.lateWindowDays,
      force: options.force,
    })
    written.push(...stored.written)
    differingFinals.push(...stored.differingFinals)
    overtaken.push(...stored.overtaken)
  }
  return { computed: dates.length, written, differingFinals, overtaken }
}

/** Dates that lie close enough together to share what is read for them. */
function toChunks(dates: readonly Instant[]): Instant[][] {
  const chunks: Instant[][] = []
  for (const date of dates) {
    const chunk = chunks[chunks.length - 1]
    const previous = chunk?.[chunk.length - 1]
    if (
      chunk !== undefined &&
      previous !== undefined &&
      chunk.length < snapshotsPerRead &&
      date - previous <= monthWindowMs
    )
      chunk.push(date)
    else chunks.push([date])
  }
  return chunks
}

async function ensureRollups(context: Context, from: Instant, to: Instant, options: FillOptions): Promise<void> {
  const rollups = await readRollups(context, from, to)
  const due: Instant[] = []
  for (let day = from; day < to; day += dayMs) {
    const rolledAt = rollups.get(day)?.rolledAt
    if (rolledAt === undefined || rolledAt < options.rolledSince) due.push(day)
  }
  let span = firstSpan
  for (let rest = due; rest.length > 0; ) {
    const [range] = toRanges(rest, span)
    if (range === undefined) break
    const { people } = await rollUpDays(context, range.from, range.to, options.config, options.now)
    span = nextSpan((range.to - range.from) / dayMs, people)
    rest = rest.filter((day) => day >= range.to)
  }
}
