import type { Document } from 'bson'
import { bsonKind, isDocument, isNumberKind } from '../data/bson-kind.ts'
import { entriesOf } from '../ejson/index.ts'
import { AppError } from '../errors.ts'
import { setField } from './set-field.ts'

/** A projection of paths, as far as it can be applied here; what computes values is left to the server. */
export interface Projection {
  readonly kind: 'inclusion' | 'exclusion'
  readonly paths: readonly (readonly string[])[]
  /** Whether `_id` is kept. */
  readonly id: boolean
  readonly slices: ReadonlyMap<string, readonly number[]>
  /** True when a field is computed, so that only the server can apply it. */
  readonly computed: boolean
}

/**
 * Reads a projection.
 *
 * @throws {AppError} `MongoDBError` with the server's text when it both includes and excludes
 */
export function readProjection(source: Document): Projection {
  const included: string[] = []
  const excluded: string[] = []
  const slices = new Map<string, readonly number[]>()
  let id: boolean | undefined
  let computed = false

  const read = (field: string, value: unknown): void => {
    const flag = toFlag(value)
    if (field.endsWith('.$')) computed = true
    else if (field === '_id' && flag !== undefined) id = flag
    else if (flag !== undefined) (flag ? included : excluded).push(field)
    else if (isDocument(value) || value instanceof Map) readOperators(field, value)
    else computed = true
  }
  const readOperators = (field: string, value: Document): void => {
    const entries = entriesOf(value)
    const slice = entries.length === 1 && entries[0]?.[0] === '$slice' ? toSlice(entries[0][1]) : undefined
    if (slice) slices.set(field, slice)
    else if (entries.length === 0 || entries.some(([key]) => key.startsWith('$'))) computed = true
    else for (const [key, inner] of entries) read(`${field}.${key}`, inner)
  }
  for (const [field, value] of entriesOf(source)) read(field, value)

  const inclusion = included.length > 0 || (id === true && excluded.length === 0 && slices.size === 0)
  if (inclusion && excluded.length > 0) {
    throw new AppError('MongoDBError', `Cannot do exclusion on field ${excluded[0]} in inclusion projection`, {
      status: 400,
    })
  }
  return {
    kind: inclusion ? 'inclusion' : 'exclusion',
    paths: (inclusion ? included : excluded).map((path) => path.split('.')),
    id: id ?? true,
    slices,
    computed,
  }
}

/** True when a projection changes nothing. */
export function isEmptyProjection({ kind, paths, id, slices, computed }: Projection): boolean {
  return kind === 'exclusion' && paths.length === 0 && id && slices.size === 0 && !computed
}

/** Applies a projection of paths to a document, which is left as it is. */
export function project(document: Document, { kind, paths, id, slices }: Projection): Document {
  const { _id: identifier, ...fields } = document
  const projected =
    kind === 'inclusion' ? includePaths(fields, [...paths, ...slicePaths(slices)]) : excludePaths(fields, paths)
  const result = id && identifier !== undefined ? { _id: identifier, ...projected } : projected
  return slices.size === 0 ? result : sliceArrays(result, slices, '')
}

/** What a rule's projection leaves of the paths a query may look at. */
export function isPathProjected({ kind, paths, id, slices }: Projection, path: string): boolean {
  const steps = path.split('.')
  if (steps[0] === '_id') return id
  // A number is an element of an array, or a field of that name.
  const readings = [steps, steps.filter((step) => !/^\d+$/.test(step))]
  const cut = [...slices.keys()].map((sliced) => sliced.split('.'))
  if (readings.some((reading) => cut.some((sliced) => meets(sliced, reading)))) return false
  return kind === 'inclusion'
    ? readings.some((reading) => paths.some((kept) => covers(kept, reading)))
    : !readings.some((reading) => paths.some((dropped) => meets(dropped, reading)))
}

/** Whether a rule's projection leaves anything of a path. */
export function isPathPartlyProjected({ kind, paths, id }: Projection, path: string): boolean {
  const steps = path.split('.').filter((step) => !/^\d+$/.test(step))
  if (steps[0] === '_id') return id
  return kind === 'inclusion'
    ? paths.some((kept) => meets(kept, steps))
    : !paths.some((dropped) => covers(dropped, steps))
}

function covers(outer: readonly string[], inner: readonly string[]): boolean {
  return outer.every((step, i) => inner[i] === step)
}

function meets(left: readonly string[], right: readonly string[]): boolean {
  return covers(left, right) || covers(right, left)
}

function slicePaths(slices: ReadonlyMap<string, unknown>): string[][] {
  return [...slices.keys()].map((path) => path.split('.'))
}

function toFlag(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  return isNumberKind(bsonKind(value)) ? Number(value) !== 0 : undefined
}

function toSlice(value: unknown): readonly number[] | undefined {
  const numbers = (Array.isArray(value) ? value : [value]).map(Number)
  return numbers.length <= 2 && numbers.every(Number.isSafeInteger) ? numbers : undefined
}

function heads(paths: readonly (readonly string[])[]): Map<string, (readonly string[])[]> {
  const byHead = new Map<string, (readonly string[])[]>()
  for (const [head = '', ...rest] of paths) byHead.set(head, [...(byHead.get(head) ?? []), rest])
  return byHead
}

function includePaths(document: Document, paths: readonly (readonly string[])[]): Document {
  const byHead = heads(paths)
  const included: Document = {}
  for (const [field, value] of Object.entries(document)) {
    const rests = byHead.get(field)
    if (!rests) continue
    const kept = rests.some((rest) => rest.length === 0) ? value : includeInside(value, rests)
    if (kept !== undefined) setField(included, field, kept)
  }
  return included
}

function includeInside(value: unknown, paths: readonly (readonly string[])[]): unknown {
  if (Array.isArray(value)) return value.map((item) => includeInside(item, paths)).filter((item) => item !== undefined)
  return isDocument(value) ? includePaths(value, paths) : undefined
}

function excludePaths(document: Document, paths: readonly (readonly string[])[]): Document {
  const byHead = heads(paths)
  const kept: Document = {}
  for (const [field, value] of Object.entries(document)) {
    const rests = byHead.get(field)
    if (rests?.some((rest) => rest.length === 0)) continue
    setField(kept, field, rests ? excludeInside(value, rests) : value)
  }
  return kept
}

function excludeInside(value: unknown, paths: readonly (readonly string[])[]): unknown {
  if (Array.isArray(value)) return value.map((item) => excludeInside(item, paths))
  return isDocument(value) ? excludePaths(value, paths) : value
}

function sliceArrays(document: Document, slices: ReadonlyMap<string, readonly number[]>, prefix: string): Document {
  const sliced: Document = {}
  for (const [field, value] of Object.entries(document)) {
    const path = prefix + field
    const slice = slices.get(path)
    const inner = isDocument(value) ? sliceArrays(value, slices, `${path}.`) : value
    setField(sliced, field, slice && Array.isArray(value) ? takeSlice(value, slice) : inner)
  }
  return sliced
}

function takeSlice(list: readonly unknown[], [first = 0, count]: readonly number[]): unknown[] {
  if (count === undefined) return first >= 0 ? list.slice(0, first) : list.slice(first)
  const start = first >= 0 ? first : Math.max(0, list.length + first)
  return list.slice(start, start + count)
}
