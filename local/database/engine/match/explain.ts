import { type Doc, int, isDoc, typeName, type Value } from '../../bson/value.ts'
import type { QueryEnv } from '../env.ts'
import { compileExpression } from '../expression/compile.ts'
import { compileJsonSchema } from '../json-schema/index.ts'
import { splitPath } from '../path.ts'
import { compileMatcher } from './filter.ts'
import { hasOperators } from './operators.ts'

/** Says why a document fails a filter; null when it does not. */
export type Explain = (doc: Doc) => Doc | null

const REASONS: Readonly<Record<string, string>> = {
  $eq: 'comparison failed',
  $ne: 'comparison succeeded',
  $gt: 'comparison failed',
  $gte: 'comparison failed',
  $lt: 'comparison failed',
  $lte: 'comparison failed',
  $in: 'no matching value found in array',
  $nin: 'matching value found in array',
  $type: 'type did not match',
  $exists: 'path does not exist',
  $regex: 'regular expression did not match',
  $mod: '$mod did not evaluate to expected remainder',
  $size: 'array length was not equal to given size',
  $all: 'array did not contain all specified values',
  $elemMatch: 'array did not satisfy the child predicate',
  $not: 'child expression matched',
}

const pairs = (entries: readonly (readonly [string, Value])[]): Doc => new Map(entries)

/** The values at a path that were judged: through documents and the elements of arrays. */
function valuesAt(value: Value | undefined, parts: readonly string[], at: number): Value[] {
  if (at === parts.length) return value === undefined ? [] : [value]
  if (isDoc(value)) return valuesAt(value.get(parts[at]!), parts, at + 1)
  return Array.isArray(value) ? value.flatMap((item) => (isDoc(item) ? valuesAt(item, parts, at) : [])) : []
}

function explainOperator(path: string, operator: string, operand: Value, siblings: Doc, env: QueryEnv): Explain {
  const operators: [string, Value][] = [[operator, operand]]
  const options = siblings.get('$options')
  if (operator === '$regex' && options !== undefined) operators.push(['$options', options])
  const specified = pairs([[path, pairs(operators)]])
  const matches = compileMatcher(specified, env)
  const parts = splitPath(path)
  return (doc) => {
    if (matches(doc)) return null
    const entries: [string, Value][] = [
      ['operatorName', operator],
      ['specifiedAs', specified],
    ]
    const found = valuesAt(doc, parts, 0)
    if (operator === '$exists') entries.push(['reason', operand === true ? 'path does not exist' : 'path does exist'])
    else if (found.length === 0) entries.push(['reason', 'field was missing'])
    else {
      entries.push(['reason', REASONS[operator] ?? 'comparison failed'])
      const [only] = found
      if (found.length === 1 && only !== undefined) entries.push(['consideredValue', only])
      else entries.push(['consideredValues', found])
      if (operator === '$type' && only !== undefined) entries.push(['consideredType', typeName(only)])
    }
    return pairs(entries)
  }
}

function explainField(path: string, operand: Value, env: QueryEnv): Explain[] {
  if (hasOperators(operand)) {
    return Array.from(operand)
      .filter(([operator]) => operator !== '$options')
      .map(([operator, value]) => explainOperator(path, operator, value, operand, env))
  }
  const filter = pairs([[path, operand]])
  const matches = compileMatcher(filter, env)
  const explain = explainOperator(path, '$eq', operand, new Map(), env)
  return [
    (doc) => {
      if (matches(doc)) return null
      const details = explain(doc)
      return details === null ? null : new Map([...details, ['specifiedAs', filter]])
    },
  ]
}

function explainBranches(operator: '$and' | '$or' | '$nor', branches: readonly Explain[]): Explain {
  return (doc) => {
    const details = branches.map((branch) => branch(doc))
    const failed = details.flatMap((detail, index) =>
      detail === null
        ? []
        : [
            pairs([
              ['index', int(index)],
              ['details', detail],
            ]),
          ],
    )
    if (operator === '$nor') {
      const satisfied = details.flatMap((detail, index) => (detail === null ? [pairs([['index', int(index)]])] : []))
      return satisfied.length === 0
        ? null
        : pairs([
            ['operatorName', '$nor'],
            ['clausesSatisfied', satisfied],
          ])
    }
    const holds = operator === '$and' ? failed.length === 0 : failed.length < branches.length
    return holds
      ? null
      : pairs([
          ['operatorName', operator],
          ['clausesNotSatisfied', failed],
        ])
  }
}

function explainEntry(name: string, operand: Value, env: QueryEnv): Explain[] {
  if ((name === '$and' || name === '$or' || name === '$nor') && Array.isArray(operand)) {
    return [
      explainBranches(
        name,
        operand.map((branch) => explainFilter(branch as Doc, env)),
      ),
    ]
  }
  if (name === '$jsonSchema' && isDoc(operand)) return [compileJsonSchema(operand, env)]
  if (name === '$comment') return []
  if (!name.startsWith('$')) return explainField(name, operand, env)
  const filter = pairs([[name, operand]])
  const matches = compileMatcher(filter, env)
  const evaluate = name === '$expr' ? compileExpression(operand, env) : undefined
  return [
    (doc) => {
      if (matches(doc)) return null
      const details = pairs([
        ['operatorName', name],
        ['specifiedAs', filter],
        ['reason', 'expression did not match'],
      ])
      return evaluate === undefined ? details : details.set('expressionResult', evaluate(doc) ?? null)
    },
  ]
}

/**
 * Compiles a validator to what `errInfo.details` of a failed validation (code 121) holds: the operator that failed, as
 * specified, with the reason and the value considered; for several conditions `$and` with those not satisfied.
 *
 * @throws {DatabaseError} for a filter that MongoDB refuses
 * @see https://www.mongodb.com/docs/manual/core/schema-validation/handle-invalid-documents/
 */
export function explainFilter(filter: Doc, env: QueryEnv): Explain {
  compileMatcher(filter, env)
  const explains = Array.from(filter).flatMap(([name, operand]) => explainEntry(name, operand, env))
  const [only] = explains
  if (explains.length === 1 && only !== undefined) return only
  return explainBranches('$and', explains)
}
