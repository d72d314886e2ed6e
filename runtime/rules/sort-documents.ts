import type { Document } from 'bson'
import { isDocument } from '../data/bson-kind.ts'
import { compareBson } from '../data/bson-order.ts'
import { entriesOf } from '../ejson/index.ts'

/** Sorts what a caller may see in MongoDB's order; `view` gives the visible part of an item. Stable. */
export function sortViews<T>(items: readonly T[], sort: Document, view: (item: T) => Document): T[] {
  const keys = entriesOf(sort).map(([path, direction]) => ({
    path: path.split('.'),
    sign: /^(?:-1|desc|descending)/i.test(String(direction)) ? -1 : 1,
  }))
  const keyed = items.map((item) => ({
    item,
    values: keys.map(({ path, sign }) => extreme(valuesAt(view(item), path), sign)),
  }))
  keyed.sort((a, b) => {
    for (const [i, { sign }] of keys.entries()) {
      const order = compareBson(a.values[i], b.values[i])
      if (order !== 0) return order * sign
    }
    return 0
  })
  return keyed.map(({ item }) => item)
}

/** Every value at a path, through arrays, the elements of an array at its end included singly. */
export function valuesAt(value: unknown, path: readonly string[]): unknown[] {
  const [step, ...rest] = path
  if (Array.isArray(value)) {
    const byIndex = step !== undefined && /^\d+$/.test(step) ? valuesAt(value[Number(step)], rest) : []
    return [
      ...byIndex,
      ...value.flatMap((item) => (step === undefined || isDocument(item) ? valuesAt(item, path) : [])),
    ]
  }
  if (step === undefined) return value === undefined ? [] : [value]
  return isDocument(value) && Object.hasOwn(value, step) ? valuesAt(value[step], rest) : []
}

/** Ascending orders take the least value of an array, descending ones the greatest; nothing counts as null. */
function extreme(values: readonly unknown[], sign: number): unknown {
  const [first, ...others] = values
  return others.reduce((best, value) => (compareBson(value, best) * sign < 0 ? value : best), first)
}
