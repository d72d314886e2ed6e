import { BSONRegExp, type Doc, isDoc, ObjectId, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { hasOperators } from '../match/operators.ts'
import { applyUpdate, isReplacement, type UpdateOptions } from './apply.ts'

/** The fields that a filter fixes by equality, of those that are `wanted`. */
function equalities(filter: Doc, found: Map<string, Value>, wanted: (path: string) => boolean): void {
  for (const [name, operand] of filter) {
    if (name === '$and' || (name === '$or' && Array.isArray(operand) && operand.length === 1)) {
      for (const item of Array.isArray(operand) ? operand : []) if (isDoc(item)) equalities(item, found, wanted)
      continue
    }
    if (name.startsWith('$') || operand instanceof BSONRegExp || !wanted(name)) continue
    if (!hasOperators(operand)) {
      claim(name, operand, found)
      continue
    }
    const equal = operand.get('$eq')
    if (equal !== undefined) claim(name, equal, found)
    for (const operator of ['$all', '$in']) {
      const list = operand.get(operator)
      // `$all` is a conjunction of equalities, so that two of them match the path twice; `$in` is one when single.
      if (!Array.isArray(list) || (operator === '$in' && list.length !== 1)) continue
      for (const item of list) if (!(item instanceof BSONRegExp) && !hasOperators(item)) claim(name, item, found)
    }
  }
}

function claim(path: string, value: Value, found: Map<string, Value>): void {
  for (const other of found.keys()) {
    if (other === path) {
      throw new DatabaseError(54, `cannot infer query fields to set, path '${path}' is matched twice`)
    }
    if (path.startsWith(`${other}.`) || other.startsWith(`${path}.`)) {
      const [outer, inner] = path.length < other.length ? [path, other] : [other, path]
      throw new DatabaseError(54, `cannot infer query fields to set, both paths '${outer}' and '${inner}' are matched`)
    }
  }
  found.set(path, value)
}

function build(found: ReadonlyMap<string, Value>): Doc {
  const result: Doc = new Map()
  for (const [path, value] of found) {
    const parts = path.split('.')
    let container = result
    for (const part of parts.slice(0, -1)) {
      let next = container.get(part)
      if (!isDoc(next)) {
        next = new Map()
        container.set(part, next)
      }
      container = next
    }
    container.set(parts[parts.length - 1]!, value)
  }
  return result
}

/**
 * Refuses, as MongoDB does before it looks for documents, what an upsert cannot infer fields from.
 *
 * @throws {DatabaseError} 224
 */
export function assertUpsertFilter(filter: Doc): void {
  for (const [name, operand] of filter) {
    if (name === '$expr') {
      throw new DatabaseError(224, '$expr is not allowed in the query predicate for an upsert')
    }
    if (!['$and', '$or', '$nor'].includes(name) || !Array.isArray(operand)) continue
    for (const item of operand) if (isDoc(item)) assertUpsertFilter(item)
  }
}

/**
 * The document that an upsert inserts: the filter's equalities, then the update; with `_id` first, made when neither
 * gives one.
 *
 * @throws {DatabaseError} 54 when the filter fixes a field twice; what `applyUpdate` throws
 */
export function documentFromUpsert(filter: Doc, update: Doc | readonly Doc[], options: UpdateOptions): Doc {
  const found = new Map<string, Value>()
  const replacement = isReplacement(update)
  // A replacement takes `_id` alone from the filter, so nothing else in it can be ambiguous.
  equalities(filter, found, (path) => !replacement || path === '_id')
  let base: Doc
  if (replacement) {
    const id = found.get('_id')
    base = id === undefined ? new Map() : new Map([['_id', id]])
  } else base = build(found)
  const { doc } = applyUpdate(base, update, { ...options, isUpsertInsert: true })
  const id = doc.get('_id')
  const result: Doc = new Map([['_id', id === undefined ? new ObjectId() : id]])
  for (const [name, value] of doc) if (name !== '_id') result.set(name, value)
  return result
}
