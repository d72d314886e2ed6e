import { printValue } from '../../bson/print.ts'
import { type Doc, isDoc, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import type { QueryEnv } from '../env.ts'
import { compileFilter } from '../match/filter.ts'
import { type ElementFilter, identifierOf } from './paths.ts'

/** The names of the top-level fields of a filter, also within `$and`, `$or` and `$nor`. */
function topLevelNames(filter: Doc): Set<string> {
  const names = new Set<string>()
  for (const [key, operand] of filter) {
    if (key === '$and' || key === '$or' || key === '$nor') {
      for (const item of Array.isArray(operand) ? operand : []) {
        if (isDoc(item)) for (const name of topLevelNames(item)) names.add(name)
      }
    } else if (!key.startsWith('$')) names.add(key.split('.')[0]!)
  }
  return names
}

/**
 * Compiles the `arrayFilters` of an update.
 *
 * @throws {DatabaseError} 9 for a filter that is empty, names several fields, or is not used; 2 for an identifier
 *   without a filter
 */
export function compileArrayFilters(
  filters: readonly Doc[],
  paths: readonly (readonly string[])[],
  update: Value,
  env: QueryEnv,
): Map<string, ElementFilter> {
  const compiled = new Map<string, ElementFilter>()
  for (const filter of filters) {
    const names = [...topLevelNames(filter)]
    const [name] = names
    if (name === undefined) {
      throw new DatabaseError(
        9,
        'Error parsing array filter :: caused by :: Cannot use an expression without a top-level field name in arrayFilters',
      )
    }
    if (names.length > 1) {
      throw new DatabaseError(
        9,
        `Error parsing array filter :: caused by :: Expected a single top-level field name, found '${name}' and '${names[1]}'`,
      )
    }
    if (!/^[a-z][a-zA-Z0-9]*$/.test(name)) {
      throw new DatabaseError(
        2,
        `Error parsing array filter :: caused by :: The top-level field name must be an alphanumeric string beginning with a lowercase letter, found '${name}'`,
      )
    }
    if (compiled.has(name)) {
      throw new DatabaseError(9, `Found multiple array filters with the same top-level field name ${name}`)
    }
    const matches = compileFilter(filter, env)
    compiled.set(name, (item) => matches(new Map([[name, item]])))
  }
  const used = new Set<string>()
  for (const parts of paths) {
    for (const part of parts) {
      const identifier = identifierOf(part)
      if (identifier === undefined || identifier === '') continue
      if (!compiled.has(identifier)) {
        throw new DatabaseError(2, `No array filter found for identifier '${identifier}' in path '${parts.join('.')}'`)
      }
      used.add(identifier)
    }
  }
  for (const name of compiled.keys()) {
    if (!used.has(name)) {
      throw new DatabaseError(
        9,
        `The array filter for identifier '${name}' was not used in the update ${printValue(update)}`,
      )
    }
  }
  return compiled
}
