import type { Doc } from '../../bson/value.ts'
import type { ReadView } from '../read-view.ts'
import type { Record } from '../record.ts'
import type { IndexScan, Plan } from './planner.ts'

/** A document that was found. */
export interface Found {
  readonly record: Record
  /** Decoded already, when matching needed it. */
  readonly document: Doc | undefined
}

/** What explain counts. */
export interface ScanCounts {
  keys: number
  documents: number
}

/**
 * The records of a plan that match.
 *
 * @param matches absent: every record the plan gives is wanted
 * @param interrupt called for every record
 */
export function* runPlan(
  view: ReadView,
  plan: Plan,
  matches: ((document: Doc) => boolean) | undefined,
  counts: ScanCounts = { keys: 0, documents: 0 },
  interrupt?: () => void,
): Generator<Found> {
  for (const record of candidates(view, plan, counts)) {
    interrupt?.()
    counts.documents++
    if (matches === undefined) {
      yield { record, document: undefined }
      continue
    }
    const document = record.decode()
    if (matches(document)) yield { record, document }
  }
}

const NOTHING: Doc = new Map()

/** As many empty documents as the plan has keys: for counting what an index alone tells. */
export function* runKeys(view: ReadView, plan: Plan, counts: ScanCounts = { keys: 0, documents: 0 }): Generator<Found> {
  for (const record of candidates(view, plan, counts)) yield { record, document: NOTHING }
}

function* candidates(view: ReadView, plan: Plan, counts: ScanCounts): Iterable<Record> {
  const { collection } = view
  if (collection === undefined) return
  switch (plan.kind) {
    case 'collection':
      yield* view.records(plan.reverse)
      return
    case 'id': {
      const record = view.byId(collection.idKey(plan.id))
      if (record) {
        counts.keys++
        yield record
      }
      return
    }
    case 'index':
      yield* scanIndex(view, plan, counts, plan.index.multikey ? new Set() : undefined)
      break
    case 'union': {
      const seen = new Set<number>()
      for (const branch of plan.branches) yield* scanIndex(view, branch, counts, seen)
      break
    }
  }
  yield* view.overlaidRecords()
}

function* scanIndex(
  view: ReadView,
  scan: IndexScan,
  counts: ScanCounts,
  seen: Set<number> | undefined,
): Iterable<Record> {
  const ranges = scan.reverse ? [...scan.ranges].reverse() : scan.ranges
  scan.index.accesses++
  for (const [start, end] of ranges) {
    for (const [, record] of scan.index.tree.scan(start, end, scan.reverse)) {
      counts.keys++
      if (seen) {
        if (seen.has(record.id)) continue
        seen.add(record.id)
      }
      if (view.isCurrent(record)) yield record
    }
  }
}
