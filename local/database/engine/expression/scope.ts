import type { Doc, Value } from '../../bson/value.ts'
import type { QueryEnv } from '../env.ts'

/** A compiled expression: its value for a document, `undefined` when missing. */
export type Evaluate = (doc: Doc) => Value | undefined

/** What an expression may name at the place where it stands. */
export interface Scope {
  readonly env: QueryEnv
  readonly variables: ReadonlyMap<string, Evaluate>
}

/** Compiles one operator from its operand as written. */
export type CompileOperator = (operand: Value, scope: Scope, name: string) => Evaluate

const constants = new WeakMap<Evaluate, { readonly value: Value | undefined }>()

export function constant(value: Value | undefined): Evaluate {
  const evaluate: Evaluate = () => value
  constants.set(evaluate, { value })
  return evaluate
}

/** The value of an expression that is the same for every document; `undefined` when it is not. */
export function constantOf(evaluate: Evaluate): { readonly value: Value | undefined } | undefined {
  return constants.get(evaluate)
}

/** A variable that an operator such as `$map` sets for each element. Evaluation is synchronous, so one cell serves all. */
export interface Cell {
  value: Value | undefined
}

export function withVariables(scope: Scope, entries: Iterable<readonly [string, Evaluate]>): Scope {
  return { env: scope.env, variables: new Map([...scope.variables, ...entries]) }
}

export function rootScope(env: QueryEnv): Scope {
  const variables = new Map<string, Evaluate>([
    ['ROOT', (doc) => doc],
    ['CURRENT', (doc) => doc],
    ['NOW', constant(env.now)],
    ['REMOVE', constant(undefined)],
    ['USER_ROLES', constant([])],
  ])
  if (env.clusterTime) variables.set('CLUSTER_TIME', constant(env.clusterTime))
  if (env.let) for (const [name, value] of env.let) variables.set(name, constant(value))
  if (env.variables) for (const [name, read] of env.variables) variables.set(name, read)
  return { env, variables }
}
