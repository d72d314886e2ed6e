import { type Doc, isDoc, isNullish, typeName } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { isTrue } from '../match/element.ts'
import { compile } from './compile.ts'
import { argumentsOf, compileArguments, namedArguments, type Operators } from './define.ts'
import { checkVariableName } from './names.ts'
import { type CompileOperator, constant, type Evaluate, withVariables } from './scope.ts'

const cond: CompileOperator = (operand, scope, name) => {
  let parts: readonly Evaluate[]
  if (isDoc(operand)) {
    for (const key of operand.keys()) {
      if (key !== 'if' && key !== 'then' && key !== 'else') {
        throw new DatabaseError(17083, `Unrecognized parameter to $cond: ${key}`)
      }
    }
    const missing = [
      ['if', 17080],
      ['then', 17081],
      ['else', 17082],
    ] as const
    for (const [key, code] of missing) {
      if (!operand.has(key)) throw new DatabaseError(code, `Missing '${key}' parameter to $cond`)
    }
    parts = ['if', 'then', 'else'].map((key) => compile(operand.get(key)!, scope))
  } else parts = compileArguments(operand, scope, name, 3)
  const [condition, then, otherwise] = parts as [Evaluate, Evaluate, Evaluate]
  return (doc) => (isTrue(condition(doc)) ? then(doc) : otherwise(doc))
}

const ifNull: CompileOperator = (operand, scope) => {
  const given = argumentsOf(operand)
  if (given.length < 2) {
    throw new DatabaseError(1257300, `$ifNull needs at least two arguments, had: ${given.length}`)
  }
  const parts = given.map((argument) => compile(argument, scope))
  const last = parts.pop()!
  return (doc) => {
    for (const part of parts) {
      const value = part(doc)
      if (!isNullish(value)) return value
    }
    return last(doc)
  }
}

const choose: CompileOperator = (operand, scope) => {
  if (!isDoc(operand)) {
    throw new DatabaseError(40060, `$switch requires an object as an argument, found: ${typeName(operand)}`)
  }
  for (const key of operand.keys()) {
    if (key !== 'branches' && key !== 'default') {
      throw new DatabaseError(40067, `$switch found an unknown argument: ${key}`)
    }
  }
  const branches = operand.get('branches') ?? []
  if (!Array.isArray(branches)) {
    throw new DatabaseError(40061, `$switch expected an array for 'branches', found: ${typeName(branches)}`)
  }
  if (branches.length === 0) throw new DatabaseError(40068, '$switch requires at least one branch.')
  const compiled = branches.map((branch) => {
    if (!isDoc(branch)) {
      throw new DatabaseError(40062, `$switch expected each branch to be an object, found: ${typeName(branch)}`)
    }
    for (const key of branch.keys()) {
      if (key !== 'case' && key !== 'then') {
        throw new DatabaseError(40063, `$switch found an unknown argument to a branch: ${key}`)
      }
    }
    const when = branch.get('case')
    const then = branch.get('then')
    if (when === undefined) throw new DatabaseError(40064, "$switch requires each branch have a 'case' expression")
    if (then === undefined) throw new DatabaseError(40065, "$switch requires each branch have a 'then' expression.")
    return { when: compile(when, scope), result: compile(then, scope) }
  })
  const fallback = operand.get('default')
  const otherwise = fallback === undefined ? undefined : compile(fallback, scope)
  return (doc) => {
    for (const { when, result } of compiled) if (isTrue(when(doc))) return result(doc)
    if (otherwise !== undefined) return otherwise(doc)
    throw new DatabaseError(
      40066,
      '$switch could not find a matching branch for an input, and no default was specified.',
    )
  }
}

const let_: CompileOperator = (operand, scope) => {
  const spec: Doc = namedArguments(operand, '$let', ['vars', 'in'], [], {
    notObject: [16874, '$let only supports an object as its argument'],
    unknown: [16875, 'Unrecognized parameter to $let: '],
    missing: [operandHas(operand, 'vars') ? 16877 : 16876, "Missing '%' parameter to $let"],
  })
  const vars = spec.get('vars')
  if (!isDoc(vars)) throw new DatabaseError(10065, 'invalid parameter: expected an object (vars)')
  const cells = Array.from(vars, ([name, value]) => {
    checkVariableName(name, 'define')
    return { name, evaluate: compile(value, scope), cell: { value: undefined as ReturnType<Evaluate> } }
  })
  const inner = compile(
    spec.get('in')!,
    withVariables(
      scope,
      cells.map(({ name, cell }) => [name, () => cell.value] as const),
    ),
  )
  return (doc) => {
    const values = cells.map(({ evaluate }) => evaluate(doc))
    values.forEach((value, index) => {
      cells[index]!.cell.value = value
    })
    return inner(doc)
  }
}

function operandHas(operand: unknown, field: string): boolean {
  return isDoc(operand) && operand.has(field)
}

const and: CompileOperator = (operand, scope) => {
  const parts = argumentsOf(operand).map((argument) => compile(argument, scope))
  return (doc) => parts.every((part) => isTrue(part(doc)))
}

const or: CompileOperator = (operand, scope) => {
  const parts = argumentsOf(operand).map((argument) => compile(argument, scope))
  return (doc) => parts.some((part) => isTrue(part(doc)))
}

const not: CompileOperator = (operand, scope, name) => {
  const [part] = compileArguments(operand, scope, name, 1) as [Evaluate]
  return (doc) => !isTrue(part(doc))
}

const literal: CompileOperator = (operand) => constant(operand)

const rand: CompileOperator = (operand, scope) => {
  const empty = Array.isArray(operand) ? operand.length === 0 : isDoc(operand) && operand.size === 0
  if (!empty) throw new DatabaseError(3040501, '$rand does not currently accept arguments')
  return () => scope.env.random()
}

const refused =
  (reason: string): CompileOperator =>
  (_operand, _scope, name) => {
    throw new DatabaseError(238, `${name} is not supported: ${reason}`)
  }

export const CONTROL: Operators = {
  $cond: cond,
  $ifNull: ifNull,
  $switch: choose,
  $let: let_,
  $and: and,
  $or: or,
  $not: not,
  $literal: literal,
  $const: literal,
  $rand: rand,
  $function: refused('the local database runs no server-side JavaScript'),
  $accumulator: refused('the local database runs no server-side JavaScript'),
  $where: refused('the local database runs no server-side JavaScript'),
}
