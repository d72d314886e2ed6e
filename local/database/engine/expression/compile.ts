import { printValue } from '../../bson/print.ts'
import { type Doc, isDoc, type Value } from '../../bson/value.ts'
import { ConstantError, DatabaseError } from '../../errors.ts'
import type { QueryEnv } from '../env.ts'
import { isConstant } from './fold.ts'
import { checkFieldName, checkVariableName } from './names.ts'
import { OPERATORS } from './operators.ts'
import { constant, constantOf, type Evaluate, rootScope, type Scope } from './scope.ts'

/** The value at a path, entering the documents of an array on the way. */
function readPath(value: Value | undefined, parts: readonly string[], at: number): Value | undefined {
  let current = value
  for (let index = at; index < parts.length; index++) {
    if (current instanceof Map) {
      current = current.get(parts[index]!)
    } else if (Array.isArray(current)) {
      const found: Value[] = []
      for (const item of current) {
        if (!(item instanceof Map)) continue
        const nested = readPath(item, parts, index)
        if (nested !== undefined) found.push(nested)
      }
      return found
    } else return undefined
  }
  return current
}

/** `$a.b` or `$$variable.a.b`. */
function compilePath(text: string, scope: Scope): Evaluate {
  if (text === '$') throw new DatabaseError(16872, "'$' by itself is not a valid FieldPath")
  if (text.startsWith('$$')) {
    const [name = '', ...parts] = text.slice(2).split('.')
    checkVariableName(name, 'use')
    for (const part of parts) checkFieldName(part)
    const read = scope.variables.get(name)
    if (read === undefined) {
      if (name === 'CLUSTER_TIME') throw new DatabaseError(51144, "Builtin variable '$$CLUSTER_TIME' is not available")
      throw new DatabaseError(17276, `Use of undefined variable: ${name}`)
    }
    return parts.length === 0 ? read : (doc) => readPath(read(doc), parts, 0)
  }
  const path = text.slice(1)
  if (path.endsWith('.')) throw new DatabaseError(40353, "FieldPath must not end with a '.'.")
  const parts = path.split('.')
  for (const part of parts) checkFieldName(part)
  const current = scope.variables.get('CURRENT')
  const root = scope.variables.get('ROOT')
  if (current !== undefined && current !== root) return (doc) => readPath(current(doc), parts, 0)
  if (parts.length === 1) return (doc) => doc.get(path)
  return (doc) => readPath(doc, parts, 0)
}

function compileObject(object: Doc, scope: Scope): Evaluate {
  const fields = Array.from(object, ([name, value]) => {
    if (name.includes('.')) {
      throw new DatabaseError(
        16412,
        `FieldPath field names may not contain '.'. Consider using $getField or $setField.`,
      )
    }
    checkFieldName(name)
    return [name, compile(value, scope)] as const
  })
  if (fields.every(([, evaluate]) => constantOf(evaluate))) {
    const value: Doc = new Map()
    for (const [name, evaluate] of fields) {
      const fixed = constantOf(evaluate)?.value
      if (fixed !== undefined) value.set(name, fixed)
    }
    return constant(value)
  }
  return (doc) => {
    const result: Doc = new Map()
    for (const [name, evaluate] of fields) {
      const value = evaluate(doc)
      if (value !== undefined) result.set(name, value)
    }
    return result
  }
}

function compileArray(items: readonly Value[], scope: Scope): Evaluate {
  const parts = items.map((item) => compile(item, scope))
  if (parts.every((part) => constantOf(part))) return constant(parts.map((part) => constantOf(part)?.value ?? null))
  return (doc) => parts.map((part) => part(doc) ?? null)
}

/** Compiles an expression that stands within another. */
export function compile(expression: Value, scope: Scope): Evaluate {
  if (typeof expression === 'string') {
    return expression.startsWith('$') ? compilePath(expression, scope) : constant(expression)
  }
  if (Array.isArray(expression)) return compileArray(expression, scope)
  if (!isDoc(expression)) return constant(expression)
  const first = expression.keys().next().value
  if (first === undefined || !first.startsWith('$')) return compileObject(expression, scope)
  if (expression.size !== 1) {
    throw new DatabaseError(
      15983,
      `an object representing an expression must have exactly one field: ${printValue(expression)}`,
    )
  }
  const operator = OPERATORS.get(first)
  if (operator === undefined) throw new DatabaseError(168, `Unrecognized expression '${first}'`)
  const evaluate = operator(expression.get(first)!, scope, first)
  return isConstant(expression) ? constant(computed(evaluate)) : evaluate
}

const NO_DOCUMENT: Doc = new Map()

/** @throws {ConstantError} */
function computed(evaluate: Evaluate): Value | undefined {
  try {
    return evaluate(NO_DOCUMENT)
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    throw new ConstantError(error.code, error.message)
  }
}

/**
 * Compiles an aggregation expression once, for many documents.
 *
 * @throws {DatabaseError} MongoDB's code and text for an expression that it refuses; evaluation throws likewise
 * @see https://www.mongodb.com/docs/manual/reference/operator/aggregation/
 */
export function compileExpression(expression: Value, env: QueryEnv): Evaluate {
  return compile(expression, rootScope(env))
}

/** The value of an expression for one document; `undefined` when missing. */
export function evaluateExpression(expression: Value, doc: Doc, env: QueryEnv): Value | undefined {
  return compileExpression(expression, env)(doc)
}
