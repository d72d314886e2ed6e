import { dayMs, type Instant, isMidnight } from '../domain/instant.ts'
import type { Context } from '../runtime/context.ts'
import { InvalidArgument, requireInstant } from './shared/arguments.ts'
import { assembleSnapshots } from './shared/assemble-snapshots.ts'
import { collectionOf } from './shared/database.ts'
import { readRawMaterial } from './shared/raw-material.ts'
import { readConfig } from './shared/read-config.ts'
import { differingMetrics } from './shared/snapshot-store.ts'
import { keyOf, toInstant } from './shared/values.ts'
import { type DifferingRow, verifyPeople, verifySegments } from './shared/verify-derived.ts'

const budgetMs = 60_000
/** What a report says of a metric that is not there at all, which null is not. */
const absent = 'absent'
const datesPerStep = 92

export interface DifferingSnapshot {
  readonly snapshot_date: Date
  readonly final: boolean
  readonly metrics: readonly { readonly name: string; readonly stored: unknown; readonly computed: unknown }[]
}

export interface VerifyResult {
  readonly checked: number
  readonly differing: readonly DifferingSnapshot[]
  /** Derived documents of the range that differ: snapshots computed from them would, too. A backfill mends them. */
  readonly differing_rows: readonly DifferingRow[]
  /** Dates of the range without a stored snapshot. */
  readonly missing: readonly Date[]
  /** The first date not looked at yet, for the next call; null: all done. */
  readonly next: Date | null
}

/**
 * Recomputes every stored snapshot of `[from, to]` from the raw collections and lists those that differ, and the derived
 * documents that do: the people of each described day, and, once `next` is null, the segments. Writes nothing; call it
 * again with `next` until that is null.
 *
 * @throws {Error} `InvalidArgument: ...` when a date is none, no midnight, or `to` is before `from`
 */
export default async function verifyKpiSnapshots(context: Context, from: unknown, to: unknown): Promise<VerifyResult> {
  const first = requireInstant(from, 'from')
  const last = requireInstant(to, 'to')
  if (!isMidnight(first) || !isMidnight(last)) throw new InvalidArgument('from and to must be days: YYYY-MM-DD')
  if (last < first) throw new InvalidArgument('to must not be before from')
  const began = Date.now()
  const differing: DifferingSnapshot[] = []
  const differingRows: DifferingRow[] = []
  const missing: Date[] = []
  let checked = 0
  let next = first
  // The material of one step takes some 150 operations of the 1000 that a call has.
  for (let step = 0; next <= last && step < 5 && Date.now() - began < budgetMs; step++) {
    const dates: Instant[] = []
    for (; next <= last && dates.length < datesPerStep; next += dayMs) dates.push(next)
    const result = await verifyDates(context, dates)
    differing.push(...result.differing)
    missing.push(...result.missing)
    differingRows.push(...result.differingRows)
    checked += result.checked
  }
  if (next > last && checked > 0)
    differingRows.push(...(await verifySegments(context, (await readConfig(context)).config, last)))
  return { checked, differing, differing_rows: differingRows, missing, next: next <= last ? new Date(next) : null }
}

async function verifyDates(
  context: Context,
  dates: readonly Instant[],
): Promise<{ checked: number; differing: DifferingSnapshot[]; differingRows: DifferingRow[]; missing: Date[] }> {
  const first = dates[0] ?? 0
  const last = dates[dates.length - 1] ?? 0
  const documents = await collectionOf(context, 'kpi_snapshots')
    .find(
      { snapshot_date: { $gte: new Date(first), $lte: new Date(last) } },
      { snapshot_date: 1, day: 1, metrics: 1, final: 1 },
    )
    .toArray()
  const stored = new Map(documents.map((document) => [toInstant(document.snapshot_date) ?? 0, document]))
  const present = dates.filter((date) => stored.has(date))
  const missing = dates.filter((date) => !stored.has(date)).map((date) => new Date(date))
  if (present.length === 0) return { checked: 0, differing: [], differingRows: [], missing }
  const differing: DifferingSnapshot[] = []
  const differingRows: DifferingRow[] = []
  const material = await readRawMaterial(context, present, async (read) => {
    // The month before the first date is looked at where it is described.
    const days = new Map([...read.days].filter(([day]) => day >= first - dayMs))
    const from = Math.max(read.from, first - dayMs)
    if (from < read.to) differingRows.push(...(await verifyPeople(context, { from, to: read.to, days })))
  })
  for (const snapshot of assembleSnapshots(present, material)) {
    const document = stored.get(snapshot.snapshot_date.getTime())
    const computed: Record<string, unknown> = { ...snapshot.metrics }
    const metrics = differencesOf(document?.metrics ?? {}, computed)
    if (keyOf(document?.day) !== keyOf(snapshot.day))
      metrics.push({ name: 'day', stored: document?.day ?? null, computed: snapshot.day })
    if (metrics.length > 0)
      differing.push({ snapshot_date: snapshot.snapshot_date, final: document?.final === true, metrics })
  }
  return { checked: present.length, differing, differingRows, missing }
}

/** Metrics whose stored value is not the computed one, that are not there, or that nobody computes. */
function differencesOf(
  stored: Readonly<Record<string, unknown>>,
  computed: Readonly<Record<string, unknown>>,
): { name: string; stored: unknown; computed: unknown }[] {
  const names = new Set([
    ...differingMetrics(stored, computed),
    ...Object.keys(computed).filter((name) => !(name in stored)),
    ...Object.keys(stored).filter((name) => !(name in computed)),
  ])
  return [...names].map((name) => ({
    name,
    stored: name in stored ? stored[name] : absent,
    computed: name in computed ? computed[name] : absent,
  }))
}
