import { hashKey } from '../../bson/hash.ts'
import { type Doc, isDoc, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { ACCUMULATORS, type Accumulator, type AccumulatorPlan } from '../accumulator/index.ts'
import { compile } from '../expression/compile.ts'
import { rootScope, type Scope } from '../expression/scope.ts'
import { type CompileStage, specDoc } from './stage.ts'

export interface AccumulatedField {
  readonly name: string
  readonly plan: AccumulatorPlan
}

/** One accumulated field of `$group`, `$bucket` or `$bucketAuto`. */
export function compileAccumulatedField(name: string, spec: Value, scope: Scope): AccumulatedField {
  if (!isDoc(spec)) throw new DatabaseError(40234, `The field '${name}' must be an accumulator object`)
  if (name.includes('.')) throw new DatabaseError(40235, `The field name '${name}' cannot contain '.'`)
  if (name.startsWith('$')) throw new DatabaseError(40236, `The field name '${name}' cannot be an operator name`)
  if (spec.size !== 1) throw new DatabaseError(40238, `The field '${name}' must specify one accumulator`)
  const [entry] = spec
  const [operator, operand] = entry!
  if (operator === '$accumulator') {
    throw new DatabaseError(238, '$accumulator is not supported: the local database runs no server-side JavaScript')
  }
  const compileAccumulator = ACCUMULATORS.get(operator)
  if (compileAccumulator === undefined) throw new DatabaseError(15952, `unknown group operator '${operator}'`)
  return { name, plan: compileAccumulator(operand, scope, operator) }
}

interface Group {
  readonly id: Value
  readonly states: readonly Accumulator[]
}

const EMPTY: Doc = new Map()

function createGroup(id: Value, fields: readonly AccumulatedField[]): Group {
  const group = isDoc(id) ? id : EMPTY
  return { id, states: fields.map(({ plan }) => plan.create(group)) }
}

function finish(group: Group, fields: readonly AccumulatedField[]): Doc {
  const result: Doc = new Map([['_id', group.id]])
  for (let index = 0; index < fields.length; index++) {
    result.set(fields[index]!.name, group.states[index]!.result() ?? null)
  }
  return result
}

/** Groups documents by a value; the groups come in the order in which they appear. */
export function* groupBy(
  input: Iterable<Doc>,
  idOf: (doc: Doc) => Value | undefined,
  fields: readonly AccumulatedField[],
  scope: Scope,
): Iterable<Doc> {
  const { collation } = scope.env
  // Strings are their own keys: most groups are by a string, and building a key for each document costs more than all else.
  const byString = new Map<string, Group>()
  const byKey = new Map<string, Group>()
  const groups: Group[] = []
  const evaluators = fields.map(({ plan }) => plan.evaluate)
  for (const doc of input) {
    const id = idOf(doc) ?? null
    const isPlainString = typeof id === 'string' && collation === undefined
    const key = isPlainString ? id : hashKey(id, collation)
    const known = isPlainString ? byString : byKey
    let group = known.get(key)
    if (group === undefined) {
      group = createGroup(id, fields)
      known.set(key, group)
      groups.push(group)
    }
    const { states } = group
    for (let index = 0; index < evaluators.length; index++) states[index]!.add(evaluators[index]!(doc))
  }
  for (const group of groups) yield finish(group, fields)
}

export const group: CompileStage = (specValue, env) => {
  const spec = specDoc('$group', specValue, 15947, "a group's fields must be specified in an object")
  const scope = rootScope(env)
  const idSpec = spec.get('_id')
  if (idSpec === undefined) throw new DatabaseError(15955, 'a group specification must include an _id')
  const idOf = compile(idSpec, scope)
  const fields: AccumulatedField[] = []
  for (const [name, field] of spec) if (name !== '_id') fields.push(compileAccumulatedField(name, field, scope))
  return (input) => groupBy(input, idOf, fields, scope)
}
