import { BsonUndefined, type Doc, isDoc, type Value } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'

const UNDEFINED = new BsonUndefined()

/** The keys of one document in one index. */
export interface DocumentKeys {
  /** One row a key, one value a field; missing is `undefined`. */
  readonly rows: readonly (readonly (Value | undefined)[])[]
  /** An array was taken apart, even one of a single element. */
  readonly multikey: boolean
}

/**
 * The values of `paths` in `document`, arrays taken apart the way MongoDB's index keys are: an empty array counts as
 * undefined, and one array only may be taken apart for each key.
 *
 * @param sparse rows of missing fields only are left out
 * @throws {DatabaseError} 171 CannotIndexParallelArrays
 */
export function documentKeys(document: Doc, paths: readonly (readonly string[])[], sparse: boolean): DocumentKeys {
  const rows: (Value | undefined)[][] = []
  const state = { multikey: false }
  expand(
    document,
    paths.map((path) => path),
    paths.map(() => undefined),
    rows,
    state,
  )
  return { rows: sparse ? rows.filter((row) => row.some((value) => value !== undefined)) : rows, ...state }
}

/** @param rest what remains of each path; null when its value is fixed */
function expand(
  source: Doc,
  rest: (readonly string[] | null)[],
  fixed: (Value | undefined)[],
  rows: (Value | undefined)[][],
  state: { multikey: boolean },
): void {
  let array: Value[] | undefined
  let arrayName = ''
  const values = fixed.slice()
  const remaining: (readonly string[] | null)[] = rest.slice()
  const atArray: boolean[] = []
  for (let field = 0; field < rest.length; field++) {
    const path = rest[field]!
    if (path === null) continue
    const reached = walk(source, path)
    if (Array.isArray(reached.value)) {
      const name = path.slice(0, path.length - reached.rest.length).join('.')
      if (array !== undefined && array !== reached.value) {
        throw new DatabaseError(171, `cannot index parallel arrays [${name}] [${arrayName}]`)
      }
      array = reached.value
      arrayName = name
      atArray[field] = true
      remaining[field] = reached.rest
    } else {
      values[field] = reached.value
      remaining[field] = null
    }
  }
  if (array === undefined) {
    rows.push(values)
    return
  }
  state.multikey = true
  if (array.length === 0) {
    for (let field = 0; field < rest.length; field++) {
      if (atArray[field]) values[field] = remaining[field]!.length === 0 ? UNDEFINED : undefined
    }
    rows.push(values)
    return
  }
  for (const element of array) {
    const elementValues = values.slice()
    const elementRest: (readonly string[] | null)[] = remaining.map(() => null)
    for (let field = 0; field < rest.length; field++) {
      if (!atArray[field]) continue
      const path = remaining[field]!
      if (path.length === 0) elementValues[field] = element
      else if (isDoc(element)) elementRest[field] = path
      else elementValues[field] = undefined
    }
    if (isDoc(element)) expand(element, elementRest, elementValues, rows, state)
    else rows.push(elementValues)
  }
}

/** Follows a path until its end, a missing field, or an array that has to be taken apart. */
function walk(source: Doc, path: readonly string[]): { value: Value | undefined; rest: readonly string[] } {
  let value: Value | undefined = source
  for (let depth = 0; depth < path.length; depth++) {
    if (Array.isArray(value)) {
      const position: string = path[depth]!
      if (!/^(0|[1-9]\d*)$/.test(position)) return { value, rest: path.slice(depth) }
      value = value[Number(position)]
      continue
    }
    if (!isDoc(value)) return { value: undefined, rest: [] }
    value = value.get(path[depth]!)
  }
  return { value, rest: [] }
}
