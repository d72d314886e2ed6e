import { printValue } from '../../bson/print.ts'
import { type Doc, isDoc, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import type { QueryEnv } from '../env.ts'
import { compileExpression } from '../expression/compile.ts'
import { compileJsonSchema } from '../json-schema/index.ts'
import { entryOf } from '../table.ts'
import type { MatchDetails, Matches } from './condition.ts'
import { isTrue } from './element.ts'
import { compileField, sampleRate } from './operators.ts'

const branches = (operator: string, operand: Value, env: QueryEnv): Matches[] => {
  if (!Array.isArray(operand)) throw new DatabaseError(2, `${operator} must be an array`)
  if (operand.length === 0) throw new DatabaseError(2, `${operator} argument must be a non-empty array`)
  return operand.map((item) => {
    if (!isDoc(item)) throw new DatabaseError(2, `${operator} argument's entries must be objects`)
    return compileMatcher(item, env)
  })
}

const TOP_LEVEL: Readonly<Record<string, (operand: Value, env: QueryEnv) => Matches>> = {
  $and: (operand, env) => conjunction(branches('$and', operand, env)),
  $or: (operand, env) => {
    const parts = branches('$or', operand, env)
    return (doc, details) => parts.some((matches) => matches(doc, details))
  },
  $nor: (operand, env) => {
    const parts = branches('$nor', operand, env)
    return (doc) => !parts.some((matches) => matches(doc))
  },
  $expr: (operand, env) => {
    const evaluate = compileExpression(operand, env)
    return (doc) => isTrue(evaluate(doc))
  },
  $jsonSchema: (operand, env) => {
    if (!isDoc(operand)) throw new DatabaseError(14, '$jsonSchema must be an object')
    const validate = compileJsonSchema(operand, env)
    return (doc) => validate(doc) === null
  },
  $comment: () => () => true,
  $alwaysTrue: () => () => true,
  $alwaysFalse: () => () => false,
  $sampleRate: sampleRate,
  $text: () => {
    throw new DatabaseError(27, 'text index required for $text query')
  },
  $where: () => {
    throw new DatabaseError(2, '$where is not supported: no globalScriptEngine in $where parsing')
  },
}

function conjunction(parts: readonly Matches[]): Matches {
  if (parts.length === 1) return parts[0]!
  if (parts.length === 2) {
    const [first, second] = parts as [Matches, Matches]
    return (doc, details) => first(doc, details) && second(doc, details)
  }
  return (doc, details) => parts.every((matches) => matches(doc, details))
}

/** As `compileFilter`; the function also tells where in an array the filter matched, for the positional operator. */
export function compileMatcher(filter: Doc, env: QueryEnv): Matches {
  const parts: Matches[] = []
  for (const [name, operand] of filter) {
    if (!name.startsWith('$')) {
      parts.push(compileField(name, operand, env, compileMatcher))
      continue
    }
    const compile = entryOf(TOP_LEVEL, name)
    if (compile === undefined) {
      if (name === '$ref' || name === '$id' || name === '$db') {
        parts.push(compileField(name, operand, env, compileMatcher))
        continue
      }
      throw new DatabaseError(
        2,
        `unknown top level operator: ${name}. If you have a field name that starts with a '$' symbol, consider using $getField or $setField.`,
      )
    }
    parts.push(compile(operand, env))
  }
  return conjunction(parts)
}

/**
 * Compiles a query filter once, for many documents.
 *
 * @throws {DatabaseError} 2 BadValue and others, with MongoDB's texts, for a filter that MongoDB refuses
 * @see https://www.mongodb.com/docs/manual/reference/operator/query/
 */
export function compileFilter(filter: Doc, env: QueryEnv): (doc: Doc) => boolean {
  if (!isDoc(filter)) throw new DatabaseError(14, `expected a filter document, found ${printValue(filter)}`)
  const matches = compileMatcher(filter, env)
  return (doc) => matches(doc)
}

/** The index in the array through which the filter matched; `undefined` when none did. Call it for a matching document. */
export function matchedIndex(filter: Doc, env: QueryEnv): (doc: Doc) => number | undefined {
  const matches = compileMatcher(filter, env)
  return (doc) => {
    const details: MatchDetails = {}
    return matches(doc, details) ? details.index : undefined
  }
}
