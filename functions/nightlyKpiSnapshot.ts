import { dayMs, dayName, type Instant, startOfDay } from '../domain/instant.ts'
import type { Context } from '../runtime/context.ts'
import { countBrokenDates } from './shared/broken-dates.ts'
import { collectionOf } from './shared/database.ts'
import { type FillOptions, fillSnapshots } from './shared/fill-snapshots.ts'
import { acceptArrivals, findLateDays, lastNight } from './shared/late-days.ts'
import { readConfig } from './shared/read-config.ts'
import { type Change, isTouched, noteRepair, type Repair, readRepairs, settleRepairs } from './shared/repairs.ts'
import { expireEvents } from './shared/retention.ts'
import { fewRanges, rollUpDays, toRanges } from './shared/rollup.ts'
import { refreshSegments } from './shared/segment-store.ts'
import { toInstant } from './shared/values.ts'

/** Missing snapshots of one run, oldest first; a longer outage is made good over several nights, or by a backfill. */
const mostMissing = 366
/** Final snapshots looked at in one step, and the steps of one run; the rest follows in the next nights. */
const finalsPerStep = 122
const mostSteps = 8
/** No step begins later than this after the run. */
const budgetMs = 60_000

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
 * Safe to run twice, or in two places at once, and to stop anywhere.
 */
export default async function nightlyKpiSnapshot(context: Context): Promise<NightlyResult> {
  const now = new Date()
  const today = startOfDay(now.getTime())
  const { config, problems } = await readConfig(context)
  // Before anything else is read: what was noted by then, this run sees.
  const noted = await readRepairs(context)
  const needsAll = noted.some((repair) => repair.full)
  const { repairs: revenueRepairs, logTo } = await refreshSegments(context, config, now, needsAll)
  const repairs: Repair[] = [...noted, ...revenueRepairs]
  const lateDays = await findLateDays(context)
  const dueDays = [...lateDays, ...noted.flatMap(({ days }) => days), today - 2 * dayMs, today - dayMs]
  for (const range of fewRanges(dueDays))
    repairs.push(...(await rollUpDays(context, range.from, range.to, config, now)).repairs)

  const nonFinal = today - config.lateWindowDays * dayMs
  await markFinals(context, nonFinal, config.lateWindowDays)
  const stored = await storedDates(context, today)
  const first = Math.min(today, ...stored)
  const missing = missingDates(stored, first, today).slice(0, mostMissing)
  const touched = [...stored].filter((date) => isTouched(date, [...repairs, { days: lateDays }]))
  const recent = [today - dayMs, today].filter((date) => date >= first)
  const due = new Set([...missing, ...recent, ...touched.filter((date) => date > nonFinal)])
  const options: FillOptions = {
    config,
    problems: problems.length,
    brokenDates: await countBrokenDates(context),
    logTo,
    now,
    rolledSince: Number.MIN_SAFE_INTEGER,
    force: false,
  }
  const filled = [await fillSnapshots(context, ascending(due), options)]
  const finals = ascending(touched.filter((date) => date <= nonFinal && !due.has(date)))
  let checked = 0
  for (let steps = 0; checked < finals.length && steps < mostSteps; steps++) {
    if (Date.now() - now.getTime() > budgetMs) break
    const step = finals.slice(checked, checked + finalsPerStep)
    filled.push(await fillSnapshots(context, step, options))
    checked += step.length
  }
  const left = filled.flatMap(({ overtaken }) => overtaken.map(Number))
  const isLeft = (change: Change): boolean => left.some((date) => isTouched(date, [change]))
  if (isLeft({ days: lateDays })) await noteRepair(context, { days: lateDays })
  const repaired = repairs.filter((repair) => !isLeft(repair))
  await settleRepairs(context, repaired, checked < finals.length ? (finals[checked] ?? 0) - dayMs : undefined)
  await acceptArrivals(context, now)
  await expireEvents(context, config, now)
  const differing = sorted(filled.flatMap(({ differingFinals }) => differingFinals))
  if (differing.length > 0)
    console.warn(
      `${differing.length} final snapshots are not what late rows make of them; a backfill rewrites them: ` +
        rangesOf(differing),
    )
  return {
    computed: filled.reduce((sum, { computed }) => sum + computed, 0),
    written: sorted(filled.flatMap(({ written }) => written)),
    late_days: lateDays.map((day) => new Date(day)),
    differing_finals: differing,
  }
}

/** Days as a person writes them: `2026-01-01..2026-03-04, 2026-03-09`. */
function rangesOf(dates: readonly Date[]): string {
  return toRanges(dates.map(Number), Number.POSITIVE_INFINITY)
    .map(({ from, to }) => (to - from === dayMs ? dayName(from) : `${dayName(from)}..${dayName(to - dayMs)}`))
    .join(', ')
}

const sorted = (dates: readonly Date[]): Date[] => [...dates].sort((a, b) => a.getTime() - b.getTime())

const ascending = (dates: Iterable<Instant>): Instant[] => [...dates].sort((a, b) => a - b)

/** Midnights of `[first, today]` without a snapshot. */
function missingDates(stored: ReadonlySet<Instant>, first: Instant, today: Instant): Instant[] {
  const missing: Instant[] = []
  for (let date = first; date <= today; date += dayMs) if (!stored.has(date)) missing.push(date)
  return missing
}

/**
 * What is older than the late window is final before late arrivals are repaired. Nights before have marked what was so
 * then; a year more than that covers a window that was made shorter.
 */
async function markFinals(context: Context, until: Instant, lateWindowDays: number): Promise<void> {
  const before = (await lastNight(context)) ?? 0
  const from = new Date(Math.min(until, before - lateWindowDays * dayMs) - 366 * dayMs)
  await collectionOf(context, 'kpi_snapshots').updateMany(
    { snapshot_date: { $gt: from, $lte: new Date(until) }, final: false },
    { $set: { final: true } },
  )
}

/** The dates of all snapshots up to today, from the index alone. */
async function storedDates(context: Context, today: Instant): Promise<Set<Instant>> {
  const documents = await collectionOf(context, 'kpi_snapshots')
    .find({ snapshot_date: { $lte: new Date(today) } }, { _id: 0, snapshot_date: 1 })
    .toArray()
  return new Set(documents.flatMap(({ snapshot_date }) => toInstant(snapshot_date) ?? []))
}
