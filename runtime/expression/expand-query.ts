import { bsonKind, isDocument } from '../data/bson-kind.ts'
import { entriesOf } from '../ejson/index.ts'
import { resolveValue } from './evaluate.ts'
import { comparisons, logicals, operatorName } from './operators/index.ts'
import { runEvaluation } from './run.ts'
import type { ExpressionScope } from './scope.ts'

/**
 * The query of a rules filter with its expansions, conversions and extended JSON replaced by values.
 *
 * @returns undefined when a part has no value: such a query must match nothing, not documents without the field
 */
export async function expandQuery(query: object, scope: ExpressionScope): Promise<Record<string, unknown> | undefined> {
  const expanded = await expandPart(query, scope)
  return isDocument(expanded) ? expanded : undefined
}

async function expandPart(part: unknown, scope: ExpressionScope): Promise<unknown> {
  if (Array.isArray(part)) {
    const items: unknown[] = []
    for (const item of part) {
      const expanded = await expandPart(item, scope)
      if (expanded === undefined) return undefined
      items.push(expanded)
    }
    return items
  }
  if (typeof part === 'string' && part.startsWith('%%')) {
    const value = await runEvaluation(resolveValue(part, scope), scope, undefined)
    return hasCondition(value) ? undefined : value
  }
  if (!isDocument(part) || !isQuery(part)) return runEvaluation(resolveValue(part, scope), scope, undefined)
  const fields: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(part)) {
    const expanded = await expandPart(value, scope)
    if (expanded === undefined) return undefined
    const operator = operatorName(key)
    const known = operator !== undefined && (comparisons.has(operator) || logicals.has(operator))
    Object.defineProperty(fields, known ? `$${operator}` : key, { value: expanded, enumerable: true })
  }
  return fields
}

/**
 * True for a value that a query would read as a condition: what users may write of themselves (custom data, claims of a
 * token) must not open a filter with `{"$ne": null}` or a pattern.
 */
function hasCondition(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasCondition)
  return bsonKind(value) === 'regex' || (isDocument(value) && entriesOf(value).some(([key]) => key.startsWith('$')))
}

/** False for a wrapper or conversion, which stands for a value. */
function isQuery(part: object): boolean {
  const [key, ...others] = Object.keys(part)
  if (key === undefined || others.length > 0) return true
  return !/^(?:\$(?:oid|date|uuid|number\w+|binary|timestamp|minKey|maxKey)|[%$](?:stringTo\w+|\w+ToString|function))$/.test(
    key,
  )
}
