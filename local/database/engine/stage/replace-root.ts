import { printValue } from '../../bson/print.ts'
import { type Doc, isDoc, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import type { QueryEnv } from '../env.ts'
import { compileExpression } from '../expression/compile.ts'

function replacer(expression: Value, env: QueryEnv, what: string): (doc: Doc) => Doc {
  const evaluate = compileExpression(expression, env)
  return (doc) => {
    const value = evaluate(doc)
    if (isDoc(value)) return value
    throw new DatabaseError(
      40228,
      `${what} must evaluate to an object, but resulting value was: ${value === undefined ? 'MISSING' : printValue(value)}. Type of resulting value: '${typeName(value)}'. Input document: ${printValue(doc)}`,
    )
  }
}

export function compileReplaceWith(spec: Value, env: QueryEnv): (doc: Doc) => Doc {
  return replacer(spec, env, "'replacement document'")
}

export function compileReplaceRoot(spec: Value, env: QueryEnv): (doc: Doc) => Doc {
  if (!isDoc(spec)) {
    throw new DatabaseError(40229, `expected an object as specification for $replaceRoot stage, got ${typeName(spec)}`)
  }
  for (const name of spec.keys()) {
    if (name !== 'newRoot') {
      throw new DatabaseError(40415, `BSON field '$replaceRoot.${name}' is an unknown field.`)
    }
  }
  const newRoot = spec.get('newRoot')
  if (newRoot === undefined) throw new DatabaseError(40231, 'no newRoot specified for the $replaceRoot stage')
  return replacer(newRoot, env, "'newRoot' expression ")
}
