import type { Document } from 'bson'
import { dayMs } from '../../domain/instant.ts'
import type { Context } from '../../runtime/context.ts'
import { collectionOf } from './database.ts'
import { isDuplicateKey } from './retry.ts'
import type { ComputedSnapshot } from './snapshot.ts'
import { keyOf, toDecimal, toInstant } from './values.ts'

export interface StoreResult {
  /** Snapshots written, because they are new or their metrics differ from the stored ones. */
  readonly written: Date[]
  /** Final snapshots that would differ now: reported, not rewritten. */
  readonly differingFinals: Date[]
  /** Snapshots left as they are because another run read later, by its clock, what they are made of. */
  readonly overtaken: Date[]
}

/** Metric names whose stored value is not the computed one. */
export function differingMetrics(stored: Document | undefined, computed: Readonly<Record<string, unknown>>): string[] {
  const metrics: Document = stored ?? {}
  return Object.keys(computed).filter((name) => comparable(metrics[name]) !== comparable(computed[name]))
}

function comparable(value: unknown): string {
  const decimal = toDecimal(value)
  return decimal === null || decimal === 'invalid' ? String(keyOf(value)) : String(Number(decimal))
}

const attempts = 8
/** No run lives longer: what was computed later than this after a run began was computed by a wrong clock. */
const longestRunMs = 300_000

/**
 * Stores snapshots: a new one is inserted, one whose metrics differ is replaced with the next revision, an equal one is
 * left alone, so that watchers see no false revision. A final one that differs keeps its metrics and counts what would
 * change in `data_quality.late_changes`. Writers elsewhere may store the same at once: each write names the revision it
 * replaces, and what was read earlier never replaces what was read later.
 *
 * @param options `readAt`: when what the snapshots are made of was read · `force` also replaces snapshots that are final
 *   already: a backfill
 * @throws {Error} when other writers leave it no turn
 */
export async function storeSnapshots(
  context: Context,
  snapshots: readonly ComputedSnapshot[],
  options: { readAt: Date; lateWindowDays: number; force: boolean },
): Promise<StoreResult> {
  const collection = collectionOf(context, 'kpi_snapshots')
  const written = new Map<number, Date>()
  const differingFinals = new Map<number, Date>()
  const overtaken = new Map<number, Date>()
  const readAt = options.readAt.getTime()
  let pending = [...snapshots]
  for (let attempt = 1; pending.length > 0; attempt++) {
    const existing = new Map<number, Document>()
    const found = await collection
      .find(
        { snapshot_date: { $in: pending.map((snapshot) => snapshot.snapshot_date) } },
        { snapshot_date: 1, metrics: 1, revision: 1, final: 1, computed_at: 1, 'data_quality.late_changes': 1 },
      )
      .toArray()
    for (const document of found) existing.set(document.snapshot_date.getTime(), document)
    const operations: Document[] = []
    const next: ComputedSnapshot[] = []
    for (const snapshot of pending) {
      const date = snapshot.snapshot_date
      const stored = existing.get(date.getTime())
      const final = date.getTime() + options.lateWindowDays * dayMs <= readAt
      const changes = stored === undefined ? null : differingMetrics(stored.metrics, { ...snapshot.metrics }).length
      const kept = changes !== null && changes > 0 && stored?.final === true && !options.force
      const lead = (toInstant(stored?.computed_at) ?? readAt) - readAt
      if (kept) differingFinals.set(date.getTime(), date)
      else if (changes !== 0 && lead > 0 && lead <= longestRunMs) {
        overtaken.set(date.getTime(), date)
        continue
      }
      const write = writeOf(snapshot, stored, kept || changes === 0 ? changes : null, kept || final, options.readAt)
      if (write === null) continue
      operations.push(write)
      if (!kept && changes !== 0) written.set(date.getTime(), date)
      next.push(snapshot)
    }
    if (operations.length === 0) break
    if (attempt === attempts) throw new Error('kpi_snapshots are being written by too many runs at once')
    try {
      await collection.bulkWrite(operations, { ordered: false })
    } catch (error) {
      // Another writer inserted the same day first: the next attempt compares with what it stored.
      if (!isDuplicateKey(error)) throw error
    }
    pending = next
  }
  const ascending = (dates: ReadonlyMap<number, Date>): Date[] =>
    [...dates.values()].sort((a, b) => a.getTime() - b.getTime())
  return {
    written: ascending(written),
    differingFinals: ascending(differingFinals),
    overtaken: ascending(overtaken),
  }
}

/** @param kept metrics that differ where the stored ones stay; null: they are replaced, or there are none */
function writeOf(
  snapshot: ComputedSnapshot,
  stored: Document | undefined,
  kept: number | null,
  final: boolean,
  readAt: Date,
): Document | null {
  const { snapshot_date, day, metrics, data_quality, inputs } = snapshot
  const content = { day, metrics, data_quality, inputs, computed_at: readAt, final }
  if (stored === undefined)
    return {
      updateOne: {
        filter: { snapshot_date },
        update: { $setOnInsert: { ...content, created_at: readAt, revision: 1 } },
        upsert: true,
      },
    }
  const filter = { _id: stored._id, revision: stored.revision ?? null }
  if (kept === null) return { updateOne: { filter, update: { $set: content, $inc: { revision: 1 } } } }
  if (stored.final === final && (stored.data_quality?.late_changes ?? 0) === kept) return null
  return { updateOne: { filter, update: { $set: { final, 'data_quality.late_changes': kept } } } }
}
