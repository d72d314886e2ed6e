import { encodeDocument } from '../../bson/codec.ts'
import type { Doc, Value } from '../../bson/value.ts'
import { compileFilter } from '../../engine/match/filter.ts'
import { compileProjection } from '../../engine/projection/compile.ts'
import { compileSort } from '../../engine/sort.ts'
import { DatabaseError } from '../../errors.ts'
import { isCovered } from '../../storage/plan/covered.ts'
import { type Found, runKeys, runPlan, type ScanCounts } from '../../storage/plan/execute.ts'
import { findHinted, type IdLookup, type IndexScan, type Plan, planQuery } from '../../storage/plan/planner.ts'
import type { ReadView } from '../../storage/read-view.ts'
import type { Invocation } from '../invocation.ts'

/** A `find` as asked for. */
export interface FindOptions {
  readonly filter: Doc
  readonly sort?: Doc | undefined
  readonly projection?: Doc | undefined
  readonly skip?: number | undefined
  /** 0 or absent: no limit. */
  readonly limit?: number | undefined
  readonly hint?: Value | undefined
  readonly collation?: Doc | undefined
  readonly let?: Doc | undefined
  readonly min?: Doc | undefined
  readonly max?: Doc | undefined
  readonly showRecordId?: boolean | undefined
  readonly returnKey?: boolean | undefined
  /** Nothing of the documents is wanted but how many there are: they may come empty. */
  readonly countsOnly?: boolean | undefined
}

/** The plan of a read, and the records it gives: filtered, sorted, skipped and limited. */
export interface Reading {
  readonly plan: Plan
  readonly records: Iterable<Found>
  /** The index tells all there is to tell: the records have no document. */
  readonly covered: boolean
}

export function defined<Shape extends object>(shape: Shape): { [Key in keyof Shape]: Exclude<Shape[Key], undefined> } {
  return Object.fromEntries(Object.entries(shape).filter(([, value]) => value !== undefined)) as never
}

/** @throws {DatabaseError} for a filter, sort or hint that is refused */
export function read(
  invocation: Invocation,
  view: ReadView,
  options: FindOptions,
  counts: ScanCounts = { keys: 0, documents: 0 },
): Reading {
  const collation = options.collation ?? collationOf(view)
  const env = invocation.env({ let: options.let, collation })
  const { filter, hint } = options
  const sort = options.sort && options.sort.size > 0 && !options.sort.has('$natural') ? options.sort : undefined
  if ((options.min || options.max) && hint === undefined) {
    throw new DatabaseError(51173, 'When using min()/max() a hint of which index to use must be provided')
  }
  const plan = planQuery(view, {
    filter,
    ...(options.sort && options.sort.size > 0 ? { sort: options.sort } : {}),
    ...(hint === undefined ? {} : { hint }),
    ...(collation ? { collation } : {}),
    ...(options.min ? { min: options.min } : {}),
    ...(options.max ? { max: options.max } : {}),
  })
  const matches = plan.kind === 'id' || filter.size === 0 ? undefined : compileFilter(filter, env)
  const sorter = sort ? compileSort(sort, env) : undefined
  const covered = options.countsOnly === true && !view.overlaid && isCovered(plan, filter)
  let records: Iterable<Found> = covered
    ? runKeys(view, plan, counts)
    : runPlan(view, plan, matches, counts, env.interrupt)
  const skip = options.skip ?? 0
  const limit = options.limit || Number.POSITIVE_INFINITY
  if (sorter && plan.kind !== 'id' && !(plan.kind !== 'union' && plan.sorted)) {
    records = sorted(records, sorter, skip + limit)
  }
  if (skip > 0 || limit !== Number.POSITIVE_INFINITY) records = slice(records, skip, limit)
  return { plan, records, covered }
}

/** A collection's own collation counts for queries that name none. */
export function collationOf(view: ReadView): Doc | undefined {
  const collation = view.collection?.options.get('collation')
  return collation instanceof Map ? collation : undefined
}

type Sorter = ReturnType<typeof compileSort>

function* sorted(records: Iterable<Found>, sorter: Sorter, limit: number): Generator<Found> {
  const origin = new Map<Doc, Found>()
  function* documents(): Generator<Doc> {
    for (const found of records) {
      const document = found.document ?? found.record.decode()
      origin.set(document, { record: found.record, document })
      yield document
    }
  }
  const ordered = limit === Number.POSITIVE_INFINITY ? sorter.sort(documents()) : sorter.sortLimited(documents(), limit)
  for (const document of ordered) yield origin.get(document)!
}

function* slice(records: Iterable<Found>, skip: number, limit: number): Generator<Found> {
  let seen = 0
  for (const record of records) {
    if (seen++ < skip) continue
    yield record
    if (seen - skip >= limit) return
  }
}

/** The bytes of each document: as stored, unless a projection makes new ones. */
export function* project(
  records: Iterable<Found>,
  projection: ((document: Doc) => Doc) | undefined,
  showRecordId: boolean,
): Generator<Uint8Array> {
  for (const { record, document } of records) {
    if (!projection && !showRecordId) {
      yield record.current.view()
      continue
    }
    let shown = document ?? record.decode()
    if (projection) shown = projection(shown)
    if (showRecordId) shown = new Map<string, Value>([...shown, ['$recordId', BigInt(record.id)]])
    yield encodeDocument(shown)
  }
}

/** `returnKey`: of each document only the fields of the index that found it; nothing when none did. */
export function* indexKeys({ plan, records }: Reading): Generator<Uint8Array> {
  for (const { record, document } of records) {
    const whole = document ?? record.decode()
    yield encodeDocument(plan.kind === 'collection' || plan.kind === 'union' ? new Map() : firstKey(plan, whole))
  }
}

function firstKey(plan: IdLookup | IndexScan, document: Doc): Doc {
  if (plan.kind === 'id') return new Map([['_id', document.get('_id')!]])
  const { index, fields } = plan
  const keys = index.keysOf(document)
  const key = index.spec.wildcard ? keys.find(({ values }) => values[0] === fields[1]) : keys[0]
  return new Map(fields.map((field, at) => [field, key?.values[at] ?? null]))
}

/** @throws {DatabaseError} for a projection that is refused */
export function projectionOf(
  invocation: Invocation,
  options: Pick<FindOptions, 'projection' | 'filter' | 'let' | 'collation'>,
): ((document: Doc) => Doc) | undefined {
  if (!options.projection || options.projection.size === 0) return undefined
  return compileProjection(options.projection, invocation.env(options), options.filter)
}

/** @throws {DatabaseError} 2 when the hint names no index of the collection */
export function assertHint(view: ReadView, hint: Value | undefined): void {
  if (hint !== undefined && view.collection) findHinted([...view.collection.indexes.values()], hint)
}
