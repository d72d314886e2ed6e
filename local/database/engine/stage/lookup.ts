import { hashKey } from '../../bson/hash.ts'
import { type Doc, isDoc, isNullish, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import type { PipelineEnv } from '../env.ts'
import { compileExpression } from '../expression/compile.ts'
import { shown } from '../expression/define.ts'
import { checkVariableName } from '../expression/names.ts'
import type { Cell } from '../expression/scope.ts'
import { atPath, test } from '../match/condition.ts'
import { splitPath } from '../path.ts'
import { correlation } from './lookup-correlation.ts'
import { type CompileStage, pipelineOf, type Stage, specDoc } from './stage.ts'
import { withPath } from './unwind.ts'

/** The values that a document is found by at a path: as a query's equality sees them. */
export function keysAt(path: string, env: PipelineEnv): (doc: Doc) => Set<string> {
  let found = new Set<string>()
  const visit = atPath(
    path,
    test((value) => {
      found.add(hashKey(isNullish(value) ? null : value, env.collation))
      return false
    }),
  )
  return (doc) => {
    found = new Set()
    visit(doc)
    return found
  }
}

/**
 * The values that `localField` looks up: the elements of arrays; null when there is none, as of a missing field or an
 * empty array (MongoDB's tracker, SERVER-63368 and SERVER-64060).
 */
export function localValues(doc: Doc, path: string): Value[] {
  const found: Value[] = []
  const parts = splitPath(path)
  const walk = (value: Value | undefined, at: number): void => {
    if (at === parts.length) {
      if (Array.isArray(value)) found.push(...value)
      else if (value !== undefined) found.push(isNullish(value) ? null : value)
    } else if (isDoc(value)) walk(value.get(parts[at]!), at + 1)
    else if (Array.isArray(value)) {
      for (const item of value) if (isDoc(item)) walk(item, at)
    }
  }
  walk(doc, 0)
  return found.length === 0 ? [null] : found
}

/** Finds the documents of a collection by the values at a path, through an index of the database or one made here. */
export function finder(
  collection: string,
  path: string,
  env: PipelineEnv,
  database?: string,
): (values: readonly Value[]) => Iterable<Doc> {
  let docs: Doc[] | undefined
  let positions: Map<string, number[]> | undefined
  const build = (): Map<string, number[]> => {
    docs = Array.from(env.collection(collection, database))
    const keysOf = keysAt(path, env)
    const built = new Map<string, number[]>()
    docs.forEach((doc, position) => {
      for (const key of keysOf(doc)) {
        const list = built.get(key)
        if (list === undefined) built.set(key, [position])
        else list.push(position)
      }
    })
    return built
  }
  return (values) => {
    const [only] = values
    if (
      values.length === 1 &&
      !isNullish(only) &&
      positions === undefined &&
      database === undefined &&
      env.collation === undefined
    ) {
      const indexed = env.lookupIndexed?.(collection, path, only)
      if (indexed !== undefined) return indexed
    }
    positions ??= build()
    if (values.length === 1) return (positions.get(hashKey(only ?? null, env.collation)) ?? []).map((at) => docs![at]!)
    const found = new Set<number>()
    for (const value of values) {
      for (const at of positions.get(hashKey(value, env.collation)) ?? []) found.add(at)
    }
    return Array.from(found)
      .sort((a, b) => a - b)
      .map((at) => docs![at]!)
  }
}

interface Namespace {
  readonly collection: string
  readonly database: string | undefined
}

function parseFrom(from: Value | undefined): Namespace | undefined {
  if (from === undefined) return undefined
  if (typeof from === 'string') return { collection: from, database: undefined }
  if (isDoc(from)) {
    const database = from.get('db')
    const collection = from.get('coll')
    if (typeof database === 'string' && typeof collection === 'string') return { collection, database }
  }
  throw new DatabaseError(9, `$lookup argument 'from: ${shown(from)}' must be a string, is type ${typeName(from)}`)
}

function text(spec: Doc, field: string): string | undefined {
  const value = spec.get(field)
  if (value === undefined) return undefined
  if (typeof value !== 'string') {
    throw new DatabaseError(
      9,
      `$lookup argument '${field}: ${shown(value)}' must be a string, is type ${typeName(value)}`,
    )
  }
  return value
}

const KNOWN = new Set(['from', 'as', 'localField', 'foreignField', 'let', 'pipeline'])

export const lookup: CompileStage = (specValue, env, compilePipeline) => {
  const spec = specDoc(
    '$lookup',
    specValue,
    9,
    `the $lookup specification must be an Object, but found ${typeName(specValue)}`,
  )
  for (const field of spec.keys()) {
    if (!KNOWN.has(field)) {
      throw new DatabaseError(9, `unknown argument to $lookup: ${field}`)
    }
  }
  const as = text(spec, 'as')
  if (as === undefined) throw new DatabaseError(9, "must specify 'as' field for a $lookup")
  const from = parseFrom(spec.get('from'))
  const localField = text(spec, 'localField')
  const foreignField = text(spec, 'foreignField')
  const pipeline = spec.has('pipeline') ? pipelineOf(spec.get('pipeline'), "'pipeline' option") : undefined
  if (from === undefined && !pipeline?.[0]?.has('$documents')) {
    throw new DatabaseError(9, "must specify 'pipeline' when 'from' is empty")
  }
  if ((localField === undefined) !== (foreignField === undefined)) {
    throw new DatabaseError(9, "$lookup requires both or neither of 'localField' and 'foreignField' to be specified")
  }
  if (pipeline === undefined && localField === undefined) {
    throw new DatabaseError(
      9,
      "$lookup requires either 'pipeline' or both 'localField' and 'foreignField' to be specified",
    )
  }
  if (pipeline === undefined && spec.has('let')) {
    throw new DatabaseError(9, "$lookup with a 'let' argument must also specify 'pipeline'")
  }
  const asPath = splitPath(as)
  const find =
    localField !== undefined && foreignField !== undefined && from !== undefined
      ? finder(from.collection, foreignField, env, from.database)
      : undefined
  if (pipeline === undefined) {
    return function* (input) {
      for (const doc of input) yield withPath(doc, asPath, Array.from(find!(localValues(doc, localField!))))
    }
  }
  const variables = compileLet(spec.get('let'), env)
  const innerEnv: PipelineEnv = {
    ...env,
    ...(from?.database === undefined ? {} : { db: from.database }),
    variables: new Map([
      ...(env.variables ?? []),
      ...variables.map(({ name, cell }) => [name, () => cell.value] as const),
    ]),
  }
  const all = (): Iterable<Doc> => (from === undefined ? [] : env.collection(from.collection, from.database))
  const joined =
    find === undefined && from !== undefined
      ? correlation(
          pipeline,
          variables.map(({ name }) => name),
        )
      : undefined
  const findCorrelated = joined && from ? finder(from.collection, joined.path, innerEnv, from.database) : undefined
  const run: Stage = compilePipeline(joined?.rest ?? pipeline, innerEnv)
  const source = (doc: Doc): Iterable<Doc> => {
    if (find !== undefined) return find(localValues(doc, localField!))
    if (joined !== undefined && findCorrelated !== undefined) {
      const value = variables.find(({ name }) => name === joined.variable)?.cell.value
      // An expression's equality does not enter arrays, so what the index finds is checked again by the rest.
      if (!Array.isArray(value) && !isNullish(value)) return findCorrelated([value])
    }
    return all()
  }
  const isFixed = variables.length === 0 && find === undefined && env.variables === undefined
  let fixed: Doc[] | undefined
  return function* (input) {
    for (const doc of input) {
      for (const { evaluate, cell } of variables) cell.value = evaluate(doc)
      if (isFixed) fixed ??= Array.from(run(all()))
      yield withPath(doc, asPath, fixed ?? Array.from(run(source(doc))))
    }
  }
}

interface LetVariable {
  readonly name: string
  readonly evaluate: (doc: Doc) => Value | undefined
  readonly cell: Cell
}

function compileLet(spec: Value | undefined, env: PipelineEnv): LetVariable[] {
  if (spec === undefined) return []
  if (!isDoc(spec)) {
    throw new DatabaseError(9, `$lookup argument 'let: ${shown(spec)}' must be an object, is type ${typeName(spec)}`)
  }
  return Array.from(spec, ([name, expression]) => {
    checkVariableName(name, 'define')
    return { name, evaluate: compileExpression(expression, env), cell: { value: undefined } }
  })
}
