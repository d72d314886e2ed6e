import { printValue } from '../../bson/print.ts'
import { type Doc, isDoc, isNumber, type Value } from '../../bson/value.ts'
import { ConstantError, DatabaseError } from '../../errors.ts'
import type { QueryEnv } from '../env.ts'
import { compileExpression } from '../expression/compile.ts'
import { checkFieldName } from '../expression/names.ts'
import { OPERATORS } from '../expression/operators.ts'
import type { Evaluate } from '../expression/scope.ts'
import { isTrue } from '../match/element.ts'
import { elemMatch, isFindSlice, type PathTransform, positional, slice } from './find-operators.ts'
import { childOf, compute, createNode, exclude, include, type ProjectionNode } from './tree.ts'

export type Project = (doc: Doc) => Doc

/** Who asks: `find` has operators of its own, stages name themselves in errors. */
export type ProjectionKind = 'find' | '$project' | '$addFields' | '$set' | '$unset'

type Leaf =
  | { readonly kind: 'include' }
  | { readonly kind: 'exclude' }
  | { readonly kind: 'compute'; readonly evaluate: Evaluate }
  | { readonly kind: 'transform'; readonly transform: PathTransform; readonly includes: boolean }

interface Entry {
  readonly path: string
  readonly leaf: Leaf
}

const INCLUDE: Leaf = { kind: 'include' }
const EXCLUDE: Leaf = { kind: 'exclude' }

class ProjectionParser {
  readonly kind: ProjectionKind
  readonly env: QueryEnv
  readonly filter: Doc | undefined
  readonly entries: Entry[] = []

  constructor(kind: ProjectionKind, env: QueryEnv, filter: Doc | undefined) {
    this.kind = kind
    this.env = env
    this.filter = filter
  }

  fields(spec: Doc, prefix: string): void {
    for (const [name, value] of spec) this.field(prefix + name, value)
  }

  field(path: string, value: Value): void {
    if (this.kind === 'find' && path.endsWith('.$')) {
      const inner = path.slice(0, -2)
      this.checkPath(inner)
      if (this.entries.some(({ leaf }) => leaf.kind === 'transform' && leaf.includes)) {
        throw new DatabaseError(31276, 'Cannot specify more than one positional projection per query.')
      }
      const transform = positional(inner, this.filter, this.env)
      this.entries.push({ path: inner, leaf: { kind: 'transform', transform, includes: true } })
      return
    }
    this.checkPath(path)
    const computesAll = this.kind === '$addFields' || this.kind === '$set'
    if (!computesAll && (typeof value === 'boolean' || isNumber(value))) {
      this.entries.push({ path, leaf: isTrue(value) ? INCLUDE : EXCLUDE })
      return
    }
    if (!isDoc(value)) {
      this.entries.push({ path, leaf: { kind: 'compute', evaluate: compileExpression(value, this.env) } })
      return
    }
    const first = value.keys().next().value
    if (first === undefined) {
      if (computesAll) {
        this.entries.push({ path, leaf: { kind: 'compute', evaluate: () => new Map() } })
        return
      }
      throw new DatabaseError(51270, 'An empty sub-projection is not a valid value. Found empty object at path')
    }
    if (!first.startsWith('$')) {
      this.fields(value, `${path}.`)
      return
    }
    const operand = value.get(first)!
    if (this.kind === 'find' && first === '$slice' && isFindSlice(operand)) {
      const transform = { parts: path.split('.'), apply: slice(operand) }
      this.entries.push({ path, leaf: { kind: 'transform', transform, includes: false } })
      return
    }
    if (!computesAll && first !== '$elemMatch' && !OPERATORS.has(first)) {
      throw new DatabaseError(31325, `Unknown expression ${first}`)
    }
    const evaluate =
      this.kind === 'find' && first === '$elemMatch'
        ? elemMatch(path, operand, this.env)
        : compileExpression(value, this.env)
    this.entries.push({ path, leaf: { kind: 'compute', evaluate } })
  }

  checkPath(path: string): void {
    if (path === '') throw new DatabaseError(40352, 'FieldPath cannot be constructed with empty string')
    if (path.endsWith('.')) throw new DatabaseError(40353, "FieldPath must not end with a '.'.")
    for (const part of path.split('.')) checkFieldName(part)
  }
}

/** Refuses a path that is also within another one. */
function checkCollisions(entries: readonly Entry[]): void {
  const seen = new Set<string>()
  for (const { path } of entries) {
    if (seen.has(path)) throw new DatabaseError(31250, `Path collision at ${path}`)
    const parts = path.split('.')
    for (let length = 1; length < parts.length; length++) {
      if (seen.has(parts.slice(0, length).join('.'))) {
        throw new DatabaseError(31249, `Path collision at ${path} remaining portion ${parts.slice(length).join('.')}`)
      }
    }
    for (const other of seen) {
      if (other.startsWith(`${path}.`)) throw new DatabaseError(31250, `Path collision at ${path}`)
    }
    seen.add(path)
  }
}

/** Inclusion or exclusion, as the first field but `_id` that decides says. */
function isInclusion(entries: readonly Entry[], kind: ProjectionKind): boolean {
  let mode: 'inclusion' | 'exclusion' | undefined
  for (const { path, leaf } of entries) {
    if (path === '_id' && (leaf.kind === 'exclude' || leaf.kind === 'include')) continue
    if (leaf.kind === 'transform' && !leaf.includes) continue
    const wanted = leaf.kind === 'exclude' ? 'exclusion' : 'inclusion'
    if (mode === undefined) mode = wanted
    else if (mode !== wanted) {
      if (leaf.kind === 'compute' && kind === '$project') {
        throw new DatabaseError(31252, `Cannot use an expression ${path} in an exclusion projection`)
      }
      throw mode === 'exclusion'
        ? new DatabaseError(31253, `Cannot do inclusion on field ${path} in exclusion projection`)
        : new DatabaseError(31254, `Cannot do exclusion on field ${path} in inclusion projection`)
    }
  }
  if (mode !== undefined) return mode === 'inclusion'
  const id = entries.find(({ path }) => path === '_id')
  return id?.leaf.kind === 'include' && entries.every(({ leaf }) => leaf.kind !== 'transform')
}

function place(root: ProjectionNode, path: string, put: (node: ProjectionNode, name: string) => void): void {
  const parts = path.split('.')
  let node = root
  for (const part of parts.slice(0, -1)) node = childOf(node, part)
  put(node, parts[parts.length - 1]!)
}

function transformAt(value: Value, parts: readonly string[], at: number, apply: (value: Value) => Value): Value {
  if (at === parts.length) return apply(value)
  if (Array.isArray(value)) return value.map((item) => transformAt(item, parts, at, apply))
  if (!isDoc(value)) return value
  const inner = value.get(parts[at]!)
  if (inner === undefined) return value
  return new Map(value).set(parts[at]!, transformAt(inner, parts, at + 1, apply))
}

function compileTree(entries: readonly Entry[], kind: ProjectionKind): Project {
  checkCollisions(entries)
  const adds = kind === '$addFields' || kind === '$set'
  const inclusion = !adds && isInclusion(entries, kind)
  const root = createNode()
  const transforms: PathTransform[] = []
  for (const { path, leaf } of entries) {
    if (leaf.kind === 'transform') {
      transforms.push(leaf.transform)
      if (inclusion) place(root, path, (node, name) => node.named.add(name))
    } else if (leaf.kind === 'compute') {
      place(root, path, (node, name) => {
        node.computed.set(name, leaf.evaluate)
        node.order.push(name)
      })
    } else if (inclusion === (leaf.kind === 'include')) {
      place(root, path, (node, name) => node.named.add(name))
    }
  }
  if (inclusion && !entries.some(({ path }) => path === '_id' || path.startsWith('_id.'))) root.named.add('_id')
  const keep: Project = adds
    ? (doc) => new Map(doc)
    : inclusion
      ? (doc) => include(doc, root)
      : (doc) => exclude(doc, root)
  return (doc) => {
    let result = keep(doc)
    if (root.order.length > 0 && (adds || inclusion)) compute(result, root, doc)
    for (const { parts, apply } of transforms) {
      const changed = transformAt(result, parts, 0, (value) => apply(value, doc))
      if (isDoc(changed)) result = changed
    }
    return result
  }
}

function prefixed(kind: ProjectionKind, build: () => Project): Project {
  if (kind === 'find') return build()
  try {
    return build()
  } catch (error) {
    if (!(error instanceof DatabaseError) || error instanceof ConstantError) throw error
    throw error.within(`Invalid ${kind}`)
  }
}

/** The projection of a stage (`$project`, `$addFields`, `$set`, `$unset`). */
export function compileStageProjection(spec: Doc, env: QueryEnv, kind: ProjectionKind): Project {
  return prefixed(kind, () => {
    if (spec.size === 0 && kind !== '$addFields' && kind !== '$set') {
      throw new DatabaseError(51272, 'projection specification must have at least one field')
    }
    const parser = new ProjectionParser(kind, env, undefined)
    parser.fields(spec, '')
    return compileTree(parser.entries, kind)
  })
}

/**
 * Compiles the projection of a `find`. Empty: the document itself.
 *
 * @param filter the query, for the positional projection `a.$`
 * @throws {DatabaseError} 31253, 31254 when inclusion and exclusion mix; 31249, 31250 for overlapping paths
 */
export function compileProjection(spec: Doc, env: QueryEnv, filter?: Doc): Project {
  if (!isDoc(spec)) throw new DatabaseError(14, `expected a projection document, found ${printValue(spec)}`)
  if (spec.size === 0) return (doc) => doc
  const parser = new ProjectionParser('find', env, filter)
  parser.fields(spec, '')
  return compileTree(parser.entries, 'find')
}
