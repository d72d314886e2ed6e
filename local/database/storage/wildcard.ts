import { BsonUndefined, type Doc, isDoc, isNumber, type Value } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'

const UNDEFINED = new BsonUndefined()

/** Which fields a wildcard index keeps. */
export interface Wildcard {
  /** The field and everything in it is kept. */
  covers(path: string): boolean
}

/** Every leaf of a document that a wildcard index keeps, with its path; arrays are taken apart. */
export interface WildcardKeys {
  readonly entries: readonly (readonly [path: string, value: Value])[]
  readonly multikey: boolean
}

export function isWildcardField(field: string): boolean {
  return field === '$**' || field.endsWith('.$**')
}

/**
 * The wildcard of an index on `field`, `$**` or `a.b.$**`.
 *
 * @throws {DatabaseError} 51271, 31253, 31254 for a projection that is refused
 */
export function parseWildcard(field: string, projection: Doc | undefined): Wildcard {
  if (field !== '$**') return selection(true, new Set([field.slice(0, -'.$**'.length)]), false)
  const listed: [path: string, included: boolean][] = []
  flatten(projection ?? new Map(), '', listed)
  const id = listed.find(([path]) => path === '_id')?.[1] ?? false
  const others = listed.filter(([path]) => path !== '_id')
  const including = others.length > 0 ? others[0]![1] : id
  for (const [path, included] of others) if (included !== including) throw mixed(path, including)
  const paths = new Set(others.map(([path]) => path))
  return selection(including, paths, id)
}

function flatten(projection: Doc, prefix: string, listed: [string, boolean][]): void {
  for (const [name, value] of projection) {
    const path = prefix + name
    if (isDoc(value) && value.size > 0) flatten(value, `${path}.`, listed)
    else if (typeof value === 'boolean') listed.push([path, value])
    else if (isNumber(value)) listed.push([path, Number(value.valueOf()) !== 0])
    else {
      throw refused(51271, `Bad projection specification, cannot include fields or add computed fields: ${path}`)
    }
  }
}

function mixed(path: string, including: boolean): DatabaseError {
  return including
    ? refused(31254, `Cannot do exclusion on field ${path} in inclusion projection`)
    : refused(31253, `Cannot do inclusion on field ${path} in exclusion projection`)
}

function refused(code: number, text: string): DatabaseError {
  return new DatabaseError(code, `Failed to parse projection: wildcardProjection :: caused by :: ${text}`)
}

/** @param id whether `_id` is kept, unless a path says so */
function selection(including: boolean, paths: ReadonlySet<string>, id: boolean): Wildcard {
  return {
    covers(path) {
      for (let end = path.length; end >= 0; end = path.lastIndexOf('.', end - 1)) {
        if (paths.has(path.slice(0, end))) return including
        if (end === 0) break
      }
      if (path === '_id' || path.startsWith('_id.')) return id
      return !including
    },
  }
}

/** The keys of a document, in its own order. Source: MongoDB's manual, "Wildcard Indexes on Embedded Objects and Arrays". */
export function wildcardKeys(document: Doc, wildcard: Wildcard): WildcardKeys {
  const entries: [string, Value][] = []
  let multikey = false
  const keep = (path: string, value: Value): void => {
    if (wildcard.covers(path)) entries.push([path, value])
  }
  const enter = (path: string, value: Value): void => {
    if (isDoc(value) && value.size > 0) visit(value, `${path}.`)
    else keep(path, value)
  }
  const visit = (within: Doc, prefix: string): void => {
    for (const [name, value] of within) {
      const path = prefix + name
      if (!Array.isArray(value)) {
        enter(path, value)
        continue
      }
      multikey = true
      if (value.length === 0) keep(path, UNDEFINED)
      // An array within an array is one value.
      for (const element of value) enter(path, element)
    }
  }
  visit(document, '')
  return { entries, multikey }
}
