import { type Doc, isDoc, type Value } from '../../bson/value.ts'

/** One condition on one path that an index may answer: `{ path: { $gt: 5 } }` is `$gt`, 5. */
export interface Predicate {
  readonly operator: string
  readonly value: Value
  /** `$options` of a `$regex`. */
  readonly options?: string
}

/** What a filter demands of its documents, as far as indexes can help: the rest is left to matching. */
export interface FilterShape {
  readonly predicates: ReadonlyMap<string, readonly Predicate[]>
  /** The branches of top-level `$or`s. */
  readonly ors: readonly (readonly Doc[])[]
}

/** Takes a filter apart: all its top-level conditions, also those within `$and`. */
export function shapeOf(filter: Doc): FilterShape {
  const predicates = new Map<string, Predicate[]>()
  const ors: Doc[][] = []
  collect(filter, '', predicates, ors)
  return { predicates, ors }
}

function collect(filter: Doc, prefix: string, predicates: Map<string, Predicate[]>, ors: Doc[][]): void {
  for (const [field, condition] of filter) {
    if (field === '$and' && Array.isArray(condition)) {
      for (const branch of condition) if (isDoc(branch)) collect(branch, prefix, predicates, ors)
    } else if (field === '$or' && Array.isArray(condition) && prefix === '') {
      ors.push(condition.filter(isDoc))
    } else if (!field.startsWith('$')) {
      addCondition(prefix + field, condition, predicates)
    }
  }
}

function isOperators(condition: Value): condition is Doc {
  return isDoc(condition) && condition.size > 0 && condition.keys().next().value!.startsWith('$')
}

function addCondition(path: string, condition: Value, predicates: Map<string, Predicate[]>): void {
  if (!isOperators(condition) || condition.has('$ref') || condition.has('$id')) {
    add(predicates, path, { operator: '$eq', value: condition })
    return
  }
  for (const [operator, value] of condition) {
    if (operator === '$options') continue
    if (operator === '$elemMatch' && isDoc(value) && !isOperators(value)) {
      collect(value, `${path}.`, predicates, [])
    } else if (operator === '$regex') {
      const options = condition.get('$options')
      add(predicates, path, { operator, value, ...(typeof options === 'string' ? { options } : {}) })
    } else add(predicates, path, { operator, value })
  }
}

function add(predicates: Map<string, Predicate[]>, path: string, predicate: Predicate): void {
  const known = predicates.get(path)
  if (known) known.push(predicate)
  else predicates.set(path, [predicate])
}
