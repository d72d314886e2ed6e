import { valuesEqual, valuesIdentical } from '../../bson/compare.ts'
import { printValue } from '../../bson/print.ts'
import { type Doc, isDoc, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import type { QueryEnv } from '../env.ts'
import { matchedIndex } from '../match/filter.ts'
import { compileUpdatePipeline } from '../stage/update-pipeline.ts'
import { entryOf } from '../table.ts'
import { compileArrayFilters } from './array-filters.ts'
import * as arrays from './arrays.ts'
import { describeUpdate } from './describe.ts'
import { Draft, type UpdateDescription } from './draft.ts'
import * as fields from './fields.ts'
import type { ApplyModifier, CompileModifier } from './modifier.ts'
import {
  checkConflicts,
  comparePaths,
  type ElementFilter,
  immutableId,
  isDynamic,
  parseUpdatePath,
  resolvePath,
} from './paths.ts'

export interface UpdateOptions {
  readonly env: QueryEnv
  readonly arrayFilters?: readonly Doc[]
  /** The query, for the positional operator `$`. */
  readonly filter?: Doc
  /** The document is being inserted by an upsert: `$setOnInsert` applies. */
  readonly isUpsertInsert?: boolean
}

export interface UpdateResult {
  readonly doc: Doc
  /** False when every field kept its exact value and type. */
  readonly changed: boolean
  /** What a change stream reports; for a replacement or pipeline the difference of the two versions. */
  readonly description: UpdateDescription
}

const MODIFIERS: Readonly<Record<string, CompileModifier>> = {
  $set: fields.set,
  $unset: fields.unset,
  $inc: fields.inc,
  $mul: fields.mul,
  $min: fields.min,
  $max: fields.max,
  $rename: fields.rename,
  $setOnInsert: fields.set,
  $currentDate: fields.currentDate,
  $bit: fields.bit,
  $push: arrays.push,
  $addToSet: arrays.addToSet,
  $pop: arrays.pop,
  $pull: arrays.pull,
  $pullAll: arrays.pullAll,
}

interface Step {
  readonly parts: readonly string[]
  readonly apply: ApplyModifier
}

/** Whether an update is a whole document rather than modifiers or a pipeline. */
export function isReplacement(update: Doc | readonly Doc[]): boolean {
  if (!isDoc(update)) return false
  const first = update.keys().next().value
  return first === undefined || !first.startsWith('$')
}

function parseSteps(update: Doc, options: UpdateOptions): Step[] {
  const steps: Step[] = []
  const claimed: (readonly string[])[] = []
  for (const [name, operands] of update) {
    const compile = entryOf(MODIFIERS, name)
    if (compile === undefined) {
      throw new DatabaseError(
        9,
        `Unknown modifier: ${name}. Expected a valid update modifier or pipeline-style update specified as an array`,
      )
    }
    if (!isDoc(operands)) {
      throw new DatabaseError(
        9,
        `Modifiers operate on fields but we found type ${typeName(operands)} instead. For example: {$mod: {<field>: ...}} not {${name}: ${printValue(operands)}}`,
      )
    }
    for (const [path, operand] of operands) {
      const parts = parseUpdatePath(path)
      const apply = compile(operand, path, options)
      claimed.push(parts)
      let target: readonly string[] = parts
      if (name === '$rename' && typeof operand === 'string') {
        target = parseUpdatePath(operand)
        claimed.push(target)
      }
      if (name === '$setOnInsert' && !options.isUpsertInsert) continue
      steps.push({ parts: target, apply })
    }
  }
  checkConflicts(claimed)
  return steps.sort((a, b) => comparePaths(a.parts, b.parts))
}

function allPaths(update: Doc): string[][] {
  const paths: string[][] = []
  for (const operands of update.values()) {
    if (isDoc(operands)) for (const path of operands.keys()) paths.push(path.split('.'))
  }
  return paths
}

function compileModifiers(update: Doc, options: UpdateOptions): (doc: Doc) => UpdateResult {
  const steps = parseSteps(update, options)
  const filters: ReadonlyMap<string, ElementFilter> = compileArrayFilters(
    options.arrayFilters ?? [],
    allPaths(update),
    update,
    options.env,
  )
  const positional = steps.some(({ parts }) => parts.includes('$'))
  const indexOf = positional && options.filter ? matchedIndex(options.filter, options.env) : undefined
  const dynamic = steps.some(({ parts }) => isDynamic(parts))
  return (doc) => {
    const draft = new Draft(doc)
    const matched = indexOf?.(doc)
    const touched: string[][] = []
    for (const { parts, apply } of steps) {
      if (!isDynamic(parts)) {
        if (dynamic) touched.push([...parts])
        apply(draft, parts)
        continue
      }
      for (const path of resolvePath(draft, parts, matched, filters)) {
        touched.push(path)
        checkTouched(touched)
        apply(draft, path)
      }
    }
    checkId(doc, draft.root, steps, options)
    return { doc: draft.root, changed: draft.changed, description: draft.description }
  }
}

/** Two array filters may lead to the same element only when the update meets it. */
function checkTouched(touched: readonly string[][]): void {
  const path = touched[touched.length - 1]!
  for (const other of touched.slice(0, -1)) {
    const shared = Math.min(path.length, other.length)
    if (path.slice(0, shared).every((part, at) => part === other[at])) {
      throw new DatabaseError(40, `Update created a conflict at '${path.slice(0, shared).join('.')}'`)
    }
  }
}

function checkId(before: Doc, after: Doc, steps: readonly Step[], options: UpdateOptions): void {
  if (before === after) return
  const old = before.get('_id')
  if (old === undefined && options.isUpsertInsert) return
  const current = after.get('_id')
  if (current === old || (old !== undefined && current !== undefined && valuesIdentical(old, current))) return
  const step = steps.find(({ parts }) => parts[0] === '_id')
  throw immutableId(step?.parts.join('.') ?? '_id')
}

function keepId(before: Doc, after: Doc): Doc {
  const id = before.get('_id')
  if (id === undefined) return after
  const next = after.get('_id')
  if (next !== undefined && !valuesEqual(id, next)) {
    throw new DatabaseError(
      66,
      `After applying the update, the (immutable) field '_id' was found to have been altered to _id: ${printValue(next)}`,
    )
  }
  const result: Doc = new Map([['_id', id]])
  for (const [name, value] of after) if (name !== '_id') result.set(name, value)
  return result
}

function compared(before: Doc, after: Doc): UpdateResult {
  const changed = !valuesIdentical(before, after)
  return { doc: changed ? after : before, changed, description: describeUpdate(before, after) }
}

function compileReplacement(update: Doc, options: UpdateOptions): (doc: Doc) => UpdateResult {
  for (const name of update.keys()) {
    if (name.startsWith('$') && name !== '$ref' && name !== '$id' && name !== '$db') {
      throw new DatabaseError(
        52,
        `The dollar ($) prefixed field '${name}' in '${name}' is not allowed in the context of an update's replacement document. Consider using an aggregation pipeline with $replaceWith.`,
      )
    }
  }
  if (options.arrayFilters && options.arrayFilters.length > 0) {
    throw new DatabaseError(9, 'Cannot use arrayFilters with a replacement-style update')
  }
  return (doc) => compared(doc, keepId(doc, update))
}

/**
 * Compiles an update (modifiers, replacement or pipeline) once, for many documents. The documents given are not changed.
 *
 * @throws {DatabaseError} 9 unknown modifier, 40 conflicting paths, 14 wrong types, 28 a path through a scalar, 66 a
 *   changed `_id`, and others with MongoDB's texts
 */
export function compileUpdate(update: Doc | readonly Doc[], options: UpdateOptions): (doc: Doc) => UpdateResult {
  if (!isDoc(update)) {
    if (options.arrayFilters && options.arrayFilters.length > 0) {
      throw new DatabaseError(9, 'arrayFilters may not be specified for pipeline-syle updates')
    }
    const run = compileUpdatePipeline(update, options.env)
    return (doc) => compared(doc, keepId(doc, run(doc)))
  }
  return isReplacement(update) ? compileReplacement(update, options) : compileModifiers(update, options)
}

/** Applies an update to one document; see `compileUpdate`. */
export function applyUpdate(doc: Doc, update: Doc | readonly Doc[], options: UpdateOptions): UpdateResult {
  return compileUpdate(update, options)(doc)
}

export type { UpdateDescription, Value }
