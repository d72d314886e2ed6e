import type { Document } from 'bson'
import { dayMs } from '../../domain/instant.ts'
import type { Context } from '../../runtime/context.ts'
import { collectionOf } from './database.ts'
import { isDuplicateKey } from './retry.ts'
import type { ComputedSnapshot } from './snapshot.ts'
import { keyOf, toDecimal } from './values.ts'

export interface StoreResult {
  /** Snapshots written, because they are new or their metrics differ from the stored ones. */
  readonly written: Date[]
  /** Final snapshots that would differ now: reported, not rewritten. */
  readonly differingFinals: Date[]
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

const attempts = 3

/**
 * Stores snapshots: a new one is inserted, one whose metrics differ is replaced with the next revision, an equal one is
 * left alone, so that watchers see no false revision. Writers elsewhere may store the same at once: each write names the
 * revision it replaces.
 *
 * @param force also replaces snapshots that are final already: a backfill
 */
export async function storeSnapshots(
  context: Context,
  snapshots: readonly ComputedSnapshot[],
  options: { now: Date; lateWindowDays: number; force: boolean },
): Promise<StoreResult> {
  const collection = collectionOf(context, 'kpi_snapshots')
  const written = new Map<number, Date>()
  const differingFinals: Date[] = []
  let pending = [...snapshots]
  for (let attempt = 0; attempt < attempts && pending.length > 0; attempt++) {
    const dates = pending.map((snapshot) => snapshot.snapshot_date)
    const existing = new Map<number, Document>()
    const found = await collection
      .find({ snapshot_date: { $in: dates } }, { snapshot_date: 1, metrics: 1, revision: 1, final: 1 })
      .toArray()
    for (const document of found) existing.set(document.snapshot_date.getTime(), document)
    const operations: Document[] = []
    const next: ComputedSnapshot[] = []
    for (const snapshot of pending) {
      const stored = existing.get(snapshot.snapshot_date.getTime())
      const final = snapshot.snapshot_date.getTime() + options.lateWindowDays * dayMs <= options.now.getTime()
      const same = stored !== undefined && differingMetrics(stored.metrics, { ...snapshot.metrics }).length === 0
      if (same && stored.final === final) continue
      if (stored?.final === true && !same && !options.force) {
        if (attempt === 0) differingFinals.push(snapshot.snapshot_date)
        continue
      }
      operations.push(writeOf(snapshot, stored, same, final, options.now))
      if (!same) written.set(snapshot.snapshot_date.getTime(), snapshot.snapshot_date)
      next.push(snapshot)
    }
    if (operations.length === 0) break
    try {
      await collection.bulkWrite(operations, { ordered: false })
    } catch (error) {
      // Another writer inserted the same day first: the next attempt compares with what it stored.
      if (attempt === attempts - 1 || !isDuplicateKey(error)) throw error
    }
    pending = next
  }
  return { written: [...written.values()].sort((a, b) => a.getTime() - b.getTime()), differingFinals }
}

function writeOf(
  snapshot: ComputedSnapshot,
  stored: Document | undefined,
  same: boolean,
  final: boolean,
  now: Date,
): Document {
  const { snapshot_date, day, metrics, data_quality, inputs } = snapshot
  const content = { day, metrics, data_quality, inputs, computed_at: now, final }
  if (stored === undefined)
    return {
      updateOne: {
        filter: { snapshot_date },
        update: { $setOnInsert: { ...content, created_at: now, revision: 1 } },
        upsert: true,
      },
    }
  const filter = { _id: stored._id, revision: stored.revision ?? null }
  if (same) return { updateOne: { filter, update: { $set: { final } } } }
  return { updateOne: { filter, update: { $set: content, $inc: { revision: 1 } } } }
}
