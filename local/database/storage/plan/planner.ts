import { type Collation, valuesEqual } from '../../bson/compare.ts'
import { printValue } from '../../bson/print.ts'
import { TYPE_ORDER } from '../../bson/types.ts'
import { type Doc, Int32, isDoc, isNumber, MaxKey, MinKey, type Value } from '../../bson/value.ts'
import { isTrue } from '../../engine/match/element.ts'
import { compileFilter } from '../../engine/match/filter.ts'
import { DatabaseError } from '../../errors.ts'
import type { Index } from '../index.ts'
import { compoundKeyString, keyString } from '../key-string.ts'
import type { ReadView } from '../read-view.ts'
import type { Wildcard } from '../wildcard.ts'
import { ALL, descendingInterval, type Interval, intersect, intervalsOf } from './intervals.ts'
import { type FilterShape, type Predicate, shapeOf } from './predicates.ts'

/** What to find, and what the caller says about how. */
export interface Query {
  readonly filter: Doc
  readonly sort?: Doc
  /** An index name, a key pattern, or `{ $natural: 1 }`. */
  readonly hint?: Value
  readonly collation?: Doc
  readonly min?: Doc
  readonly max?: Doc
}

export interface CollectionScan {
  readonly kind: 'collection'
  readonly reverse: boolean
  readonly sorted: boolean
}

/** The filter is one `_id` and nothing else. */
export interface IdLookup {
  readonly kind: 'id'
  readonly id: Value
}

export interface IndexScan {
  readonly kind: 'index'
  readonly index: Index
  /** [start, end) in key strings, ascending and apart from each other. */
  readonly ranges: readonly (readonly [string, string])[]
  readonly reverse: boolean
  /** The records come in the wanted order. */
  readonly sorted: boolean
  /** The fields in index order: those of the index, or `$_path` and the one path that a wildcard index is read for. */
  readonly fields: readonly string[]
  /** As explain shows them, one list a field. */
  readonly bounds: readonly (readonly string[])[]
}

export interface UnionScan {
  readonly kind: 'union'
  readonly branches: readonly IndexScan[]
  readonly sorted: false
}

export type Plan = CollectionScan | IdLookup | IndexScan | UnionScan

const MAX_POINTS = 4000

/**
 * Chooses how to find the documents: by `_id`, by the index with the fewest keys to read, or by reading all.
 *
 * @throws {DatabaseError} 2 BadValue when the hint names no index, 291 when it names a wildcard index that cannot help
 */
export function planQuery(view: ReadView, query: Query): Plan {
  const { filter, hint } = query
  const { collection } = view
  if (collection === undefined) return { kind: 'collection', reverse: false, sorted: true }
  const natural = naturalDirection(hint) ?? naturalDirection(query.sort)
  if (natural !== undefined)
    return { kind: 'collection', reverse: natural < 0, sorted: query.sort?.has('$natural') === true }
  if (hint === undefined && filter.size === 1 && sameCollation(query.collation, collection.idIndex)) {
    const id = soleId(filter)
    if (id !== undefined) return { kind: 'id', id }
  }
  const hinted = hint === undefined ? undefined : findHinted([...collection.indexes.values()], hint)
  const candidates = hinted
    ? [hinted]
    : [...collection.indexes.values()].filter((index) => !index.spec.hidden && !index.spec.catalogOnly)
  if (hinted && (query.min || query.max)) return boundedScan(hinted, query)
  if (hinted?.spec.catalogOnly) return { kind: 'collection', reverse: false, sorted: false }
  const shape = shapeOf(filter)
  let best: IndexScan | undefined
  let bestCost = Number.POSITIVE_INFINITY
  for (const index of candidates) {
    const scan = scanOf(index, shape, query, view, hinted !== undefined)
    if (scan === undefined) continue
    const keys = countKeys(scan)
    // A sort in memory costs about as much again as reading.
    const cost = keys * (query.sort && !scan.sorted ? 2 : 1) - scan.bounds.filter(isNarrow).length / 64
    if (cost < bestCost) {
      best = scan
      bestCost = cost
    }
  }
  if (best && (hinted || best.bounds.some(isNarrow))) return best
  const union = unionOf(candidates, shape, query, view)
  if (!union && !best && hinted?.spec.wildcard) {
    throw new DatabaseError(291, `${PLANNER_ERROR}No query solutions`)
  }
  return union ?? best ?? { kind: 'collection', reverse: false, sorted: false }
}

const PLANNER_ERROR = 'error processing query: planner returned error :: caused by :: '

function isNarrow(texts: readonly string[]): boolean {
  return texts[0] !== ALL.text && texts[0] !== '[MaxKey, MinKey]'
}

export function countKeys(scan: IndexScan): number {
  let keys = 0
  for (const [start, end] of scan.ranges) keys += scan.index.tree.count(start, end)
  return keys
}

function naturalDirection(by: Value | undefined): number | undefined {
  const direction = isDoc(by) ? by.get('$natural') : undefined
  return isNumber(direction) ? toNumber(direction) : undefined
}

const toNumber = (value: Value): number => (value instanceof Int32 ? value.value : Number(value))

/** The value of a filter `{ _id: value }` that one lookup answers. */
export function soleId(filter: Doc): Value | undefined {
  if (filter.size !== 1) return undefined
  const condition = filter.get('_id')
  if (condition === undefined || condition === null || Array.isArray(condition)) return undefined
  if (!isDoc(condition)) return condition.constructor.name === 'BSONRegExp' ? undefined : condition
  const [first] = condition.keys()
  if (first === undefined || !first.startsWith('$')) return condition
  const value = condition.size === 1 ? condition.get('$eq') : undefined
  return value === undefined || value === null || Array.isArray(value) || isDoc(value) ? undefined : value
}

function sameCollation(collation: Doc | undefined, index: Index): boolean {
  if (collation === undefined || collation.get('locale') === 'simple') return index.collation === undefined
  return index.spec.collation !== undefined && valuesEqual(collation, index.spec.collation)
}

/** @throws {DatabaseError} 2 BadValue */
export function findHinted(indexes: readonly Index[], hint: Value): Index | undefined {
  if (typeof hint !== 'string' && !isDoc(hint)) {
    throw new DatabaseError(9, 'Hint must be either a string or nested object')
  }
  if (isDoc(hint) && hint.size === 0) return undefined
  const found = indexes.find(({ spec }) =>
    typeof hint === 'string' ? spec.name === hint : valuesEqual(spec.key, hint),
  )
  if (!found || found.spec.hidden) {
    throw new DatabaseError(2, `${PLANNER_ERROR}hint provided does not correspond to an existing index`)
  }
  return found
}

/** @throws {DatabaseError} 51174, 51175 */
function boundedScan(index: Index, query: Query): IndexScan {
  const { descending, fields, wildcard } = index.spec
  for (const bound of [query.min, query.max]) {
    if (bound && (wildcard || !sameFields(bound, fields))) {
      throw new DatabaseError(51174, `${PLANNER_ERROR}The index chosen is not compatible with min/max`)
    }
  }
  // Reading the documents tells whether the index is multikey.
  index.build()
  const keyOf = (bound: Doc): string => compoundKeyString([...bound.values()], descending, index.collation)
  const start = query.min ? keyOf(query.min) : ''
  const end = query.max ? keyOf(query.max) : '\xff'
  if (start >= end) {
    throw new DatabaseError(
      51175,
      `${PLANNER_ERROR}The value provided for min() does not come before the value provided for max().`,
    )
  }
  return {
    kind: 'index',
    index,
    ranges: [[start, end]],
    reverse: false,
    sorted: false,
    fields,
    bounds: fields.map(() => [ALL.text]),
  }
}

function sameFields(bound: Doc, fields: readonly string[]): boolean {
  return bound.size === fields.length && [...bound.keys()].every((field, at) => field === fields[at])
}

/** The scan of one index that the filter or the sort asks for; `undefined` when the index does not help. */
function scanOf(
  index: Index,
  shape: FilterShape,
  query: Query,
  view: ReadView,
  forced: boolean,
): IndexScan | undefined {
  const { spec } = index
  if (!sameCollation(query.collation, index) && !forced) return undefined
  const collates = sameCollation(query.collation, index)
  if (!forced && spec.partialFilter && !implies(shape, spec.partialFilter, index.collation)) return undefined
  if (spec.wildcard) return collates ? wildcardScan(index, spec.wildcard, shape) : undefined
  const concerned =
    shape.predicates.has(spec.fields[0]!) || (query.sort && spec.fields.some((field) => query.sort!.has(field)))
  if (!concerned && !forced) return undefined
  // Reading the documents tells whether the index is multikey.
  index.build()
  const fields: Interval[][] = []
  let points = 1
  let usable = collates
  for (const field of spec.fields) {
    // Conditions on two fields of an array's documents may be met by different elements, which have different keys.
    const apart = index.multikey && spec.fields.slice(0, fields.length).some((before) => head(before) === head(field))
    const intervals = usable && !apart ? fieldIntervals(index, field, shape) : undefined
    if (intervals === undefined) {
      fields.push([ALL])
      usable = false
      continue
    }
    fields.push(intervals)
    points *= Math.max(1, intervals.length)
    if (points > MAX_POINTS || !intervals.every(({ point }) => point)) usable = false
  }
  // All keys of a partial index are fewer than the documents.
  const restricted = spec.partialFilter !== undefined || fields.some((intervals) => intervals[0] !== ALL)
  if (spec.sparse && !forced && !sparseCovers(index, shape)) return undefined
  const order = orderOf(index, fields, query.sort, view)
  if (!restricted && order === undefined && !forced) return undefined
  const directed = fields.map((intervals, at) =>
    spec.descending[at] ? intervals.map(descendingInterval).reverse() : intervals,
  )
  return {
    kind: 'index',
    index,
    ranges: rangesOf(directed),
    reverse: order === 'backward',
    sorted: order !== undefined,
    fields: spec.fields,
    bounds: directed.map((intervals) => intervals.map(({ text }) => text)),
  }
}

/** The scan of the one path that leaves the fewest keys to read. */
function wildcardScan(index: Index, wildcard: Wildcard, shape: FilterShape): IndexScan | undefined {
  index.build()
  let best: IndexScan | undefined
  for (const path of shape.predicates.keys()) {
    const intervals = wildcard.covers(path) ? fieldIntervals(index, path, shape) : undefined
    if (intervals === undefined || !intervals.every(isOfLeaves)) continue
    const directed = index.spec.descending[0] ? intervals.map(descendingInterval).reverse() : intervals
    const prefix = keyString(path)
    const name = printValue(path)
    const scan: IndexScan = {
      kind: 'index',
      index,
      ranges: directed.map(({ start, end }) => [prefix + start, prefix + end] as const),
      reverse: false,
      sorted: false,
      fields: ['$_path', path],
      bounds: [[`[${name}, ${name}]`], directed.map(({ text }) => text)],
    }
    if (!best || countKeys(scan) < countKeys(best)) best = scan
  }
  return best
}

/** What a wildcard index does not hold: what is missing, and documents and arrays as a whole. */
const NOT_A_LEAF = [TYPE_ORDER.undefined, TYPE_ORDER.null, TYPE_ORDER.object, TYPE_ORDER.array]

function isOfLeaves({ start, end }: Interval): boolean {
  const first = start.charCodeAt(0)
  const last = end.length === 1 ? end.charCodeAt(0) - 1 : end.charCodeAt(0)
  return start !== '' && NOT_A_LEAF.every((type) => type < first || type > last)
}

const head = (path: string): string => path.split('.', 1)[0]!

function fieldIntervals(index: Index, field: string, shape: FilterShape): Interval[] | undefined {
  const predicates = shape.predicates.get(field)
  if (predicates === undefined || /(^|\.)\d+(\.|$)/.test(field)) return undefined
  let result: Interval[] | undefined
  for (const predicate of predicates) {
    const intervals = intervalsOf(predicate, index.collation)
    if (intervals === undefined) continue
    if (result === undefined) result = intervals
    // In an array, different elements may meet different conditions.
    else if (!index.multikey) result = intersect(result, intervals)
    else if (intervals.length < result.length || (intervals[0]?.point && !result[0]?.point)) result = intervals
  }
  return result
}

/** All combinations of the leading points, each followed by the stretches of the first field that is no point. */
function rangesOf(fields: readonly (readonly Interval[])[]): (readonly [string, string])[] {
  let prefixes = ['']
  for (const intervals of fields) {
    if (intervals.length === 0) return []
    if (!intervals.every(({ point }) => point)) {
      return prefixes.flatMap((prefix) => intervals.map(({ start, end }) => [prefix + start, prefix + end] as const))
    }
    prefixes = prefixes.flatMap((prefix) => intervals.map(({ start }) => prefix + start))
  }
  return prefixes.map((prefix) => [prefix, `${prefix}\xff`] as const)
}

function orderOf(
  index: Index,
  fields: readonly (readonly Interval[])[],
  sort: Doc | undefined,
  view: ReadView,
): 'forward' | 'backward' | undefined {
  if (!sort || sort.size === 0 || index.multikey || index.collation || view.overlaid) return undefined
  const { spec } = index
  const fixed = new Set<string>()
  for (const [at, intervals] of fields.entries()) {
    if (intervals.length !== 1 || !intervals[0]!.point) break
    fixed.add(spec.fields[at]!)
  }
  const wanted: [string, boolean][] = []
  for (const [field, direction] of sort) {
    if (!isNumber(direction)) return undefined
    if (!fixed.has(field)) wanted.push([field, toNumber(direction) < 0])
  }
  let at = 0
  let backward: boolean | undefined
  for (const [field, descending] of wanted) {
    while (at < spec.fields.length && fixed.has(spec.fields[at]!)) at++
    if (spec.fields[at] !== field) return undefined
    const against = descending !== spec.descending[at]
    if (backward !== undefined && backward !== against) return undefined
    backward = against
    at++
  }
  return backward ? 'backward' : 'forward'
}

/** A sparse index leaves out documents without any of its fields: the filter must ask for one. */
function sparseCovers(index: Index, shape: FilterShape): boolean {
  return index.spec.fields.some((field) => {
    const predicates = shape.predicates.get(field)
    return predicates?.some((predicate) => !matchesMissing(predicate)) ?? false
  })
}

function matchesMissing({ operator, value }: Predicate): boolean {
  switch (operator) {
    case '$eq':
      return value === null
    case '$in':
      return Array.isArray(value) && value.includes(null)
    case '$exists':
      return !isTrue(value)
    case '$gt':
    case '$lt':
      return value instanceof MinKey || value instanceof MaxKey
    case '$elemMatch':
    case '$regex':
      return false
    case '$gte':
    case '$lte':
      return value === null || value instanceof MinKey || value instanceof MaxKey
    default:
      return true
  }
}

/** Every document that meets the filter meets the partial index's filter too, as far as one can tell by looking. */
function implies(shape: FilterShape, partial: Doc, collation: Collation | undefined): boolean {
  const wanted = shapeOf(partial)
  const operatorsKnown = [...partial.keys()].every((key) => key === '$and' || !key.startsWith('$'))
  if (!operatorsKnown || wanted.ors.length > 0) return false
  for (const [path, conditions] of wanted.predicates) {
    const given = shape.predicates.get(path) ?? []
    const implied = (condition: Predicate): boolean =>
      given.some((predicate) => predicateImplies(path, predicate, condition, collation))
    if (!conditions.every(implied)) return false
  }
  return true
}

function predicateImplies(
  path: string,
  given: Predicate,
  wanted: Predicate,
  collation: Collation | undefined,
): boolean {
  if (given.operator === wanted.operator && valuesEqual(given.value, wanted.value)) return true
  if (wanted.operator === '$exists' && wanted.value === true) return !matchesMissing(given)
  if (given.operator === '$eq' && !path.includes('.') && given.value !== null && !Array.isArray(given.value)) {
    const matches = compileFilter(new Map([[path, new Map([[wanted.operator, wanted.value]])]]), {
      now: new Date(0),
      random: () => 0,
      ...(collation ? { collation } : {}),
    })
    return matches(new Map([[path, given.value]]))
  }
  if (given.operator === '$in' && Array.isArray(given.value)) {
    return given.value.every((value) => predicateImplies(path, { operator: '$eq', value }, wanted, collation))
  }
  const givenIntervals = intervalsOf(given, collation)
  const wantedIntervals = intervalsOf(wanted, collation)
  if (!givenIntervals || !wantedIntervals || !/^\$[gl]te?$/.test(given.operator)) return false
  return givenIntervals.every(({ start, end }) =>
    wantedIntervals.some((interval) => interval.start <= start && interval.end >= end),
  )
}

function unionOf(indexes: readonly Index[], shape: FilterShape, query: Query, view: ReadView): UnionScan | undefined {
  for (const branches of shape.ors) {
    if (branches.length === 0) continue
    const scans: IndexScan[] = []
    for (const branch of branches) {
      let best: IndexScan | undefined
      for (const index of indexes) {
        const { sort: _, ...unsorted } = query
        const scan = scanOf(index, shapeOf(branch), { ...unsorted, filter: branch }, view, false)
        if (scan && (!best || countKeys(scan) < countKeys(best))) best = scan
      }
      if (!best) break
      scans.push(best)
    }
    if (scans.length === branches.length) return { kind: 'union', branches: scans, sorted: false }
  }
  return undefined
}
