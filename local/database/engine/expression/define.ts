import { printValue } from '../../bson/print.ts'
import { type Doc, isDoc, isNullish, isNumber, type NumberValue, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { compile } from './compile.ts'
import type { CompileOperator, Evaluate, Scope } from './scope.ts'

export type Operators = Readonly<Record<string, CompileOperator>>
type Input = Value | undefined

/** The operand as a list of arguments: an array as written, anything else as the only one. */
export function argumentsOf(operand: Value): readonly Value[] {
  return Array.isArray(operand) ? operand : [operand]
}

/** The compiled arguments, refused unless there are from `min` to `max` of them. */
export function compileArguments(operand: Value, scope: Scope, name: string, min: number, max = min): Evaluate[] {
  const given = argumentsOf(operand)
  if (min === max && given.length !== min) {
    throw new DatabaseError(16020, `Expression ${name} takes exactly ${min} arguments. ${given.length} were passed in.`)
  }
  if (given.length < min || given.length > max) {
    throw new DatabaseError(
      28667,
      `Expression ${name} takes at least ${min} arguments, and at most ${max}, but ${given.length} were passed in.`,
    )
  }
  return given.map((argument) => compile(argument, scope))
}

/** An operator of one argument. */
export function unary(run: (value: Input, name: string, scope: Scope) => Input): CompileOperator {
  return (operand, scope, name) => {
    const [argument] = compileArguments(operand, scope, name, 1) as [Evaluate]
    return (doc) => run(argument(doc), name, scope)
  }
}

/** An operator of two arguments. */
export function binary(run: (a: Input, b: Input, name: string, scope: Scope) => Input): CompileOperator {
  return (operand, scope, name) => {
    const [left, right] = compileArguments(operand, scope, name, 2) as [Evaluate, Evaluate]
    return (doc) => run(left(doc), right(doc), name, scope)
  }
}

/** An operator of `min` to `max` arguments, all evaluated. */
export function ranged(
  min: number,
  max: number,
  run: (values: Input[], name: string, scope: Scope) => Input,
): CompileOperator {
  return (operand, scope, name) => {
    const parts = compileArguments(operand, scope, name, min, max)
    return (doc) =>
      run(
        parts.map((part) => part(doc)),
        name,
        scope,
      )
  }
}

/** As {@link ranged}, but null where the first argument is null or missing: the others are not evaluated then. */
export function rangedOverPresent(
  min: number,
  max: number,
  run: (values: readonly [Value, ...Input[]], name: string, scope: Scope) => Input,
): CompileOperator {
  return (operand, scope, name) => {
    const [first, ...others] = compileArguments(operand, scope, name, min, max) as [Evaluate, ...Evaluate[]]
    return (doc) => {
      const value = first(doc)
      return isNullish(value) ? null : run([value, ...others.map((part) => part(doc))], name, scope)
    }
  }
}

/** An operator of any number of arguments, each evaluated when it is read: after a null, none. */
export function variadic(run: (values: Iterable<Input>, name: string, scope: Scope) => Input): CompileOperator {
  return (operand, scope, name) => {
    const parts = argumentsOf(operand).map((argument) => compile(argument, scope))
    return (doc) => run(evaluated(parts, doc), name, scope)
  }
}

function* evaluated(parts: readonly Evaluate[], doc: Doc): Generator<Input> {
  for (const part of parts) yield part(doc)
}

/** The codes and texts with which an operator refuses its named arguments. */
export interface NamedErrors {
  readonly notObject: readonly [number, string]
  readonly unknown?: readonly [number, string]
  readonly missing?: readonly [number, string]
}

/** An operator whose operand is a document of named arguments. */
export function namedArguments(
  operand: Value,
  name: string,
  required: readonly string[],
  optional: readonly string[],
  errors: NamedErrors,
): Doc {
  if (!isDoc(operand)) throw new DatabaseError(errors.notObject[0], errors.notObject[1])
  for (const field of operand.keys()) {
    if (required.includes(field) || optional.includes(field)) continue
    const [code, text] = errors.unknown ?? [9, `${name} found an unknown argument: `]
    throw new DatabaseError(code, `${text}${field}`)
  }
  for (const field of required) {
    if (operand.has(field)) continue
    const [code, text] = errors.missing ?? [9, `Missing '${field}' parameter to ${name}`]
    throw new DatabaseError(code, text.replace('%', field))
  }
  return operand
}

export function numeric(value: Input, name: string): NumberValue {
  if (!isNumber(value)) {
    throw new DatabaseError(28765, `${name} only supports numeric types, not ${typeName(value)}`)
  }
  return value
}

export function shown(value: Input): string {
  return value === undefined ? 'MISSING' : printValue(value)
}
