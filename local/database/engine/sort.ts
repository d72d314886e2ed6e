import { type Collation, compareValues } from '../bson/compare.ts'
import { exactInteger } from '../bson/number.ts'
import { BsonUndefined, type Doc, isDoc, isNumber, type Value } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'
import { arrayIndex, splitPath } from './path.ts'

export interface Sorter {
  /** Order of two documents. Reads their sort keys each time: use `sort` for many. */
  compare(a: Doc, b: Doc): number
  /** A new array, in order; documents with equal keys keep their order. */
  sort(docs: Iterable<Doc>): Doc[]
  /** As `sort`, but at most `limit` documents, without keeping the others. */
  sortLimited(docs: Iterable<Doc>, limit: number): Doc[]
}

interface SortField {
  readonly parts: readonly string[]
  readonly direction: 1 | -1
}

type Key = Value | undefined

/** The direction of each path of a sort specification. */
export function parseSort(spec: Doc): { path: string; direction: 1 | -1 }[] {
  return Array.from(spec, ([path, order]) => {
    if (isDoc(order)) {
      const meta = order.get('$meta')
      if (meta === undefined)
        throw new DatabaseError(17312, '$meta is the only expression supported by $sort right now')
      throw new DatabaseError(40218, `query requires ${meta} metadata, but it is not available`)
    }
    if (!isNumber(order)) throw new DatabaseError(15974, `Illegal key in $sort specification: ${path}: ${order}`)
    const direction = Number(exactInteger(order) ?? 0n)
    if (direction !== 1 && direction !== -1) {
      throw new DatabaseError(15975, '$sort key ordering must be 1 (for ascending) or -1 (for descending)')
    }
    if (path === '') throw new DatabaseError(15998, 'FieldPath field names may not be empty strings.')
    if (path.endsWith('.')) throw new DatabaseError(40353, "FieldPath must not end with a '.'.")
    if (path.startsWith('$')) {
      throw new DatabaseError(
        16410,
        "FieldPath field names may not start with '$'. Consider using $getField or $setField.",
      )
    }
    return { path, direction }
  })
}

const EMPTY_ARRAY_KEY = new BsonUndefined()

/** How far a path leads before it meets an array that must be entered. */
function descend(start: Key, parts: readonly string[], from: number): { value: Key; at: number } {
  let value = start
  let at = from
  while (at < parts.length) {
    if (isDoc(value)) value = value.get(parts[at]!)
    else if (Array.isArray(value)) {
      const index = arrayIndex(parts[at]!)
      if (index < 0 || index >= value.length) return { value, at }
      value = value[index]
    } else return { value: undefined, at: parts.length }
    at++
  }
  return { value, at }
}

/**
 * The keys under which a document sorts or is indexed, one tuple for each element of an array that the paths enter.
 * A missing value is null, an empty array the deprecated undefined.
 *
 * @throws {DatabaseError} 2 when two paths enter different arrays
 */
export function sortKeys(doc: Doc, paths: readonly (readonly string[])[]): Value[][] {
  const result: Value[][] = []
  expand(
    paths.map(() => doc),
    paths,
    paths.map(() => 0),
    result,
  )
  return result
}

function expand(
  values: readonly Key[],
  paths: readonly (readonly string[])[],
  positions: readonly number[],
  result: Value[][],
): void {
  const reached = values.map((value, index) => {
    const at = positions[index]!
    // -1 marks a final value: an element of an array is not entered again.
    return at < 0 ? { value, at } : descend(value, paths[index]!, at)
  })
  const array = reached.find(({ value, at }) => at >= 0 && Array.isArray(value))?.value
  if (!Array.isArray(array)) {
    result.push(reached.map(({ value }) => value ?? null))
    return
  }
  for (const { value, at } of reached) {
    if (at >= 0 && Array.isArray(value) && value !== array) {
      throw new DatabaseError(2, 'cannot sort with keys that are parallel arrays')
    }
  }
  const items: readonly Key[] = array.length === 0 ? [EMPTY_ARRAY_KEY] : array
  for (const item of items) {
    expand(
      reached.map(({ value, at }, index) => {
        if (value !== array || at < 0) return value
        return at === paths[index]!.length || isDoc(item) || Array.isArray(item) ? item : undefined
      }),
      paths,
      reached.map(({ value, at }, index) => {
        if (value !== array || at < 0) return at
        return at === paths[index]!.length ? -1 : at
      }),
      result,
    )
  }
}

class DocumentSorter implements Sorter {
  readonly fields: readonly SortField[]
  readonly paths: readonly (readonly string[])[]
  readonly collation: Collation | undefined

  constructor(fields: readonly SortField[], collation: Collation | undefined) {
    this.fields = fields
    this.paths = fields.map((field) => field.parts)
    this.collation = collation
  }

  compareKeys(a: readonly Key[], b: readonly Key[]): number {
    const { fields, collation } = this
    for (let index = 0; index < fields.length; index++) {
      const order = compareValues(a[index], b[index], collation)
      if (order !== 0) return fields[index]!.direction === 1 ? order : -order
    }
    return 0
  }

  key(doc: Doc): Key[] {
    const { fields } = this
    const key: Key[] = new Array(fields.length)
    for (let index = 0; index < fields.length; index++) {
      const { parts } = fields[index]!
      let value: Key = doc
      for (let at = 0; at < parts.length; at++) {
        if (!(value instanceof Map)) {
          if (Array.isArray(value)) return this.arrayKey(doc)
          value = undefined
          break
        }
        value = value.get(parts[at]!)
      }
      if (Array.isArray(value)) return this.arrayKey(doc)
      key[index] = value ?? null
    }
    return key
  }

  arrayKey(doc: Doc): Key[] {
    const keys = sortKeys(doc, this.paths)
    let lowest = keys[0]!
    for (const key of keys) if (this.compareKeys(key, lowest) < 0) lowest = key
    return lowest
  }

  compare(a: Doc, b: Doc): number {
    return this.compareKeys(this.key(a), this.key(b))
  }

  sort(docs: Iterable<Doc>): Doc[] {
    const keyed = Array.from(docs, (doc) => ({ doc, key: this.key(doc) }))
    keyed.sort((a, b) => this.compareKeys(a.key, b.key))
    return keyed.map(({ doc }) => doc)
  }

  sortLimited(docs: Iterable<Doc>, limit: number): Doc[] {
    let kept: { doc: Doc; key: Key[] }[] = []
    let worst: Key[] | undefined
    const trim = (): void => {
      kept.sort((a, b) => this.compareKeys(a.key, b.key))
      if (kept.length > limit) kept = kept.slice(0, limit)
      worst = kept.length === limit ? kept[limit - 1]?.key : undefined
    }
    for (const doc of docs) {
      const key = this.key(doc)
      if (worst !== undefined && this.compareKeys(key, worst) >= 0) continue
      kept.push({ doc, key })
      if (kept.length >= Math.max(limit * 2, 1024)) trim()
    }
    trim()
    return kept.map(({ doc }) => doc)
  }
}

/**
 * Compiles a sort specification: BSON order, missing as null, the lowest (highest when descending) element of an array.
 *
 * @throws {DatabaseError} 15974, 15975 for a bad direction, 40218 for `$meta`
 */
export function compileSort(spec: Doc, env: { readonly collation?: Collation } = {}): Sorter {
  const fields = parseSort(spec).map(({ path, direction }) => ({ parts: splitPath(path), direction }))
  return new DocumentSorter(fields, env.collation)
}
