import { dayMs, type Instant, startOfDay } from '../domain/instant.ts'
import type { Context } from '../runtime/context.ts'
import { countBrokenDates } from './shared/broken-dates.ts'
import { collectionOf } from './shared/database.ts'
import { fillSnapshots } from './shared/fill-snapshots.ts'
import { acceptArrivals, findLateDays } from './shared/late-days.ts'
import { readConfig } from './shared/read-config.ts'
import { expireEvents } from './shared/retention.ts'
import { rollUpDays, toRanges } from './shared/rollup.ts'
import { acceptChanges, refreshSegments } from './shared/segment-store.ts'
import { toInstant } from './shared/values.ts'

/** Missing snapshots of one run; a longer outage is made good over several nights, or by a backfill. */
const mostMissing = 366

export interface NightlyResult {
  readonly computed: number
  readonly written: Date[]
  /** Days that got events after they had been rolled up. */
  readonly late_days: Date[]
  /** Final snapshots that late data would change: a backfill does, a night does not. */
  readonly differing_finals: Date[]
}

/**
 * Fills every missing snapshot up to today and repairs what late arrivals changed (spec: KPIs 8.6). Scheduled, so it
 * takes no arguments: the clock is floored to 00:00Z here and nowhere below. It always computes today's and yesterday's
 * snapshots again, so that the runs at 00:05, 01:00 and 00:05 of the next day are those at T, T + 1 h and T + 24 h.
 * Safe to run twice, or in two places at once.
 */
export default async function nightlyKpiSnapshot(context: Context): Promise<NightlyResult> {
  const now = new Date()
  const today = startOfDay(now.getTime())
  const { config, problems } = await readConfig(context)
  const { pending, logTo } = await refreshSegments(context, config, now)
  const lateDays = (await findLateDays(context, now)).filter((day) => day < today)
  for (const range of toRanges(lateDays, 31)) await rollUpDays(context, range.from, range.to, config, now)
  await rollUpDays(context, today - 2 * dayMs, today, config, now)

  await markFinals(context, today - config.lateWindowDays * dayMs)
  const stored = await storedDates(context, today - mostMissing * dayMs)
  const firstStored = stored.size === 0 ? today : Math.min(...stored)
  const nonFinal = today - config.lateWindowDays * dayMs
  const due = new Set<Instant>([today - dayMs, today].filter((date) => date >= firstStored))
  for (let date = firstStored; date <= today; date += dayMs) if (!stored.has(date)) due.add(date)
  for (const date of stored) {
    const late = lateDays.some((day) => day < date && date <= day + 30 * dayMs)
    const changed = pending !== null && date > pending.from
    if (late || (changed && date > nonFinal)) due.add(date)
  }
  const filled = await fillSnapshots(
    context,
    [...due].sort((a, b) => a - b),
    {
      config,
      problems: problems.length,
      brokenDates: await countBrokenDates(context),
      logTo,
      now,
      rolledSince: Number.MIN_SAFE_INTEGER,
      force: false,
    },
  )
  await acceptArrivals(context, now)
  if (pending !== null) await acceptChanges(context, pending)
  await expireEvents(context, config, now)
  return {
    computed: filled.computed,
    written: filled.written,
    late_days: lateDays.map((day) => new Date(day)),
    differing_finals: filled.differingFinals,
  }
}

/** What is older than the late window is final before late arrivals are repaired. */
async function markFinals(context: Context, until: Instant): Promise<void> {
  await collectionOf(context, 'kpi_snapshots').updateMany(
    { snapshot_date: { $gt: new Date(until - mostMissing * dayMs), $lte: new Date(until) }, final: false },
    { $set: { final: true } },
  )
}

async function storedDates(context: Context, from: Instant): Promise<Set<Instant>> {
  const documents = await collectionOf(context, 'kpi_snapshots')
    .find({ snapshot_date: { $gte: new Date(from) } }, { _id: 0, snapshot_date: 1 })
    .toArray()
  const dates = new Set<Instant>()
  for (const document of documents) {
    const date = toInstant(document.snapshot_date)
    if (date !== null) dates.add(date)
  }
  return dates
}
