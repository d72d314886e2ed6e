import { compareValues } from '../../bson/compare.ts'
import { add, exactInteger, toDouble } from '../../bson/number.ts'
import { type Doc, isDoc, isNumber, type NumberValue, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { addUnits, type DateUnit, isDateUnit } from '../expression/date-units.ts'
import { shown } from '../expression/define.ts'
import { UTC } from '../expression/timezone.ts'

/** One partition in its order. */
export interface Partition {
  readonly docs: readonly Doc[]
  /** The value of the only sort field of each document; `undefined` when there is none. */
  readonly sortValues: readonly (Value | undefined)[]
  /** Whether two neighbours have the same place in the order. */
  isTie(left: number, right: number): boolean
}

export type Bound = 'unbounded' | 'current' | NumberValue

export interface Window {
  readonly kind: 'documents' | 'range'
  readonly lower: Bound
  readonly upper: Bound
  readonly unit: DateUnit | undefined
  /** 1 ascending, -1 descending sort. */
  readonly direction: 1 | -1
}

export const WHOLE_PARTITION: Window = {
  kind: 'documents',
  lower: 'unbounded',
  upper: 'unbounded',
  unit: undefined,
  direction: 1,
}

function parseBound(value: Value, kind: 'documents' | 'range'): Bound {
  if (value === 'unbounded' || value === 'current') return value
  if (!isNumber(value)) {
    throw new DatabaseError(9, `Window bounds must be 'unbounded', 'current', or a number.`)
  }
  if (kind === 'documents' && exactInteger(value) === undefined) {
    throw new DatabaseError(9, 'Numeric document-based bounds must be an integer')
  }
  return value
}

/** Parses `window: { documents: [lower, upper] }` or `{ range: [lower, upper], unit }`. */
export function parseWindow(spec: Value | undefined, direction: 1 | -1 | undefined): Window {
  if (spec === undefined) return WHOLE_PARTITION
  if (!isDoc(spec)) throw new DatabaseError(9, "'window' field must be an object")
  for (const field of spec.keys()) {
    if (field !== 'documents' && field !== 'range' && field !== 'unit') {
      throw new DatabaseError(
        9,
        `'window' field can only contain 'documents' as the only argument or 'range' with an optional 'unit' field`,
      )
    }
  }
  const documents = spec.get('documents')
  const range = spec.get('range')
  const unitValue = spec.get('unit')
  if (documents === undefined && range === undefined) {
    if (unitValue !== undefined)
      throw new DatabaseError(9, "Window bounds can only specify 'unit' with range-based bounds.")
    return WHOLE_PARTITION
  }
  if (documents !== undefined && (range !== undefined || unitValue !== undefined)) {
    throw new DatabaseError(
      9,
      "'window' field can only contain 'documents' as the only argument or 'range' with an optional 'unit' field",
    )
  }
  const kind = documents === undefined ? 'range' : 'documents'
  const pair = documents ?? range
  if (!Array.isArray(pair) || pair.length !== 2) {
    throw new DatabaseError(9, `Window bounds must be a 2-element array: ${kind}: ${shown(pair)}`)
  }
  const [lower, upper] = pair.map((value) => parseBound(value, kind)) as [Bound, Bound]
  const rank = (bound: Bound, end: 'lower' | 'upper'): number => {
    if (bound === 'current') return 0
    if (bound === 'unbounded') return end === 'lower' ? -Infinity : Infinity
    return toDouble(bound)
  }
  if (rank(lower, 'lower') > rank(upper, 'upper')) {
    throw new DatabaseError(5339900, `Lower bound must not exceed upper bound: ${shown(pair)}`)
  }
  if (kind === 'documents' && direction === undefined && (lower !== 'unbounded' || upper !== 'unbounded')) {
    throw new DatabaseError(5339901, 'Document-based bounds require a sortBy')
  }
  if (kind === 'range' && direction === undefined) {
    throw new DatabaseError(5339902, 'Range-based bounds require sortBy a single field')
  }
  let unit: DateUnit | undefined
  if (unitValue !== undefined) {
    if (typeof unitValue !== 'string' || !isDateUnit(unitValue)) {
      throw new DatabaseError(9, `unknown time unit value: ${shown(unitValue)}`)
    }
    unit = unitValue
  }
  return { kind, lower, upper, unit, direction: direction ?? 1 }
}

/** The first and last index (inclusive) of each document's window; last < first when it is empty. */
export function windowRanges(partition: Partition, window: Window): { first: number; last: number }[] {
  const { length } = partition.docs
  if (window.kind === 'documents') {
    const offset = (bound: Bound, unbounded: number): number =>
      bound === 'unbounded' ? unbounded : bound === 'current' ? 0 : toDouble(bound)
    const lower = offset(window.lower, -Infinity)
    const upper = offset(window.upper, Infinity)
    return partition.docs.map((_doc, index) => ({
      first: Math.max(0, index + lower),
      last: Math.min(length - 1, index + upper),
    }))
  }
  return partition.docs.map((_doc, index) => rangeAt(partition, window, index))
}

function shifted(value: Value, by: NumberValue, window: Window): Value {
  if (value instanceof Date) {
    if (window.unit === undefined) {
      throw new DatabaseError(5429413, 'For windows that involve date ranges, a unit must be provided')
    }
    return new Date(addUnits(value.getTime(), window.unit, toDouble(by), UTC))
  }
  if (!isNumber(value)) {
    throw new DatabaseError(5429414, 'Invalid range: Expected the sortBy field to be a number')
  }
  if (window.unit !== undefined) {
    throw new DatabaseError(5429415, 'Invalid range: Expected the sortBy field to be a date')
  }
  return add(value, by)
}

function rangeAt(partition: Partition, window: Window, index: number): { first: number; last: number } {
  const { sortValues } = partition
  const value = sortValues[index] ?? null
  const limit = (bound: Bound): Value | undefined =>
    bound === 'unbounded' ? undefined : bound === 'current' ? value : shifted(value, bound, window)
  const low = limit(window.lower)
  const high = limit(window.upper)
  const { length } = sortValues
  // Values are in order, so both ends are found by bisection.
  const firstWhere = (holds: (item: Value) => boolean): number => {
    let from = 0
    let to = length
    while (from < to) {
      const middle = (from + to) >> 1
      if (holds(sortValues[middle] ?? null)) to = middle
      else from = middle + 1
    }
    return from
  }
  const first = low === undefined ? 0 : firstWhere((item) => compareValues(item, low) >= 0)
  const last = high === undefined ? length - 1 : firstWhere((item) => compareValues(item, high) > 0) - 1
  return { first, last }
}
