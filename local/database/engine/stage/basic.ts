import { exactInteger, intOrLong } from '../../bson/number.ts'
import { type Doc, int, isDoc, isNumber, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { compile } from '../expression/compile.ts'
import { shown } from '../expression/define.ts'
import { rootScope } from '../expression/scope.ts'
import { compileFilter } from '../match/filter.ts'
import { compileStageProjection } from '../projection/compile.ts'
import { compileSort } from '../sort.ts'
import { compileAccumulatedField, groupBy } from './group.ts'
import { compileReplaceRoot, compileReplaceWith } from './replace-root.ts'
import { type CompileStage, filterDocs, mapDocs, specDoc } from './stage.ts'
import { unsetSpec } from './unset.ts'

function wholeNumber(stage: '$limit' | '$skip', spec: Value, code: number): number {
  const integer = isNumber(spec) ? exactInteger(spec) : undefined
  if (integer === undefined) {
    throw new DatabaseError(
      code,
      `invalid argument to ${stage} stage: Expected ${isNumber(spec) ? 'an integer' : 'a number in'}: ${stage}: ${shown(spec)}`,
    )
  }
  if (integer < 0n) {
    throw new DatabaseError(
      code,
      `invalid argument to ${stage} stage: Expected a non-negative number in: ${stage}: ${shown(spec)}`,
    )
  }
  return Number(integer)
}

const match: CompileStage = (spec, env) => {
  const filter = compileFilter(
    specDoc('$match', spec, 15959, 'the match filter must be an expression in an object'),
    env,
  )
  return (input) => filterDocs(input, filter)
}

const project: CompileStage = (spec, env) => {
  const doc = specDoc('$project', spec, 15969, '$project specification must be an object')
  const run = compileStageProjection(doc, env, '$project')
  return (input) => mapDocs(input, run)
}

function adding(stage: '$addFields' | '$set'): CompileStage {
  return (spec, env) => {
    const doc = specDoc(stage, spec, 40272, `${stage} specification stage must be an object, got ${typeName(spec)}`)
    const run = compileStageProjection(doc, env, stage)
    return (input) => mapDocs(input, run)
  }
}

const unset: CompileStage = (spec, env) => {
  const run = compileStageProjection(unsetSpec(spec), env, '$unset')
  return (input) => mapDocs(input, run)
}

const replaceRoot: CompileStage = (spec, env) => {
  const run = compileReplaceRoot(spec, env)
  return (input) => mapDocs(input, run)
}

const replaceWith: CompileStage = (spec, env) => {
  const run = compileReplaceWith(spec, env)
  return (input) => mapDocs(input, run)
}

/** The number of documents that `$limit` lets through. */
export function parseLimit(spec: Value): number {
  const count = wholeNumber('$limit', spec, 5107201)
  if (count === 0) throw new DatabaseError(15958, 'the limit must be positive')
  return count
}

function* limited(input: Iterable<Doc>, count: number): Iterable<Doc> {
  let left = count
  for (const doc of input) {
    yield doc
    if (--left === 0) return
  }
}

const limit: CompileStage = (spec) => {
  const count = parseLimit(spec)
  return (input) => limited(input, count)
}

function* skipped(input: Iterable<Doc>, count: number): Iterable<Doc> {
  let left = count
  for (const doc of input) {
    if (left > 0) left--
    else yield doc
  }
}

const skip: CompileStage = (spec) => {
  const count = wholeNumber('$skip', spec, 5107200)
  return (input) => skipped(input, count)
}

/** The `$sort` stage; `most` documents are kept when a limit follows. */
export function compileSortStage(
  spec: Value,
  env: Parameters<CompileStage>[1],
  most: number | undefined,
): ReturnType<CompileStage> {
  const doc = specDoc('$sort', spec, 15973, 'the $sort key specification must be an object')
  if (doc.size === 0) throw new DatabaseError(15976, '$sort stage must have at least one sort key')
  const sorter = compileSort(doc, env)
  return function* (input) {
    yield* most === undefined || most > 100_000 ? sorter.sort(input) : sorter.sortLimited(input, most)
  }
}

const count: CompileStage = (spec) => {
  if (typeof spec !== 'string') throw new DatabaseError(40156, 'the count field must be a non-empty string')
  if (spec === '') throw new DatabaseError(40156, 'the count field must be a non-empty string')
  if (spec.startsWith('$')) throw new DatabaseError(40158, 'the count field cannot be a $-prefixed path')
  if (spec.includes('\0')) throw new DatabaseError(40159, 'the count field cannot contain a null byte')
  if (spec.includes('.')) throw new DatabaseError(40160, "the count field cannot contain '.'")
  return function* (input) {
    let total = 0
    for (const _doc of input) total++
    if (total > 0) yield new Map([[spec, intOrLong(total)]])
  }
}

const sortByCount: CompileStage = (spec, env) => {
  const isExpression = isDoc(spec) && spec.keys().next().value?.startsWith('$')
  const isPath = typeof spec === 'string' && spec.startsWith('$')
  if (isDoc(spec) && !isExpression) {
    throw new DatabaseError(
      40147,
      'the sortByCount field must be defined as a $-prefixed path or an expression inside an object',
    )
  }
  if (typeof spec === 'string' && !isPath) {
    throw new DatabaseError(
      40148,
      'the sortByCount field must be defined as a $-prefixed path or an expression inside an object',
    )
  }
  if (!isExpression && !isPath) {
    throw new DatabaseError(40149, 'the sortByCount field must be specified as a string or as an object')
  }
  const scope = rootScope(env)
  const idOf = compile(spec, scope)
  const fields = [compileAccumulatedField('count', new Map([['$sum', int(1)]]), scope)]
  const sorter = compileSort(new Map([['count', int(-1)]]))
  return function* (input) {
    yield* sorter.sort(groupBy(input, idOf, fields, scope))
  }
}

const sample: CompileStage = (spec, env) => {
  const doc = specDoc('$sample', spec, 28745, 'the $sample stage specification must be an object')
  for (const field of doc.keys()) {
    if (field !== 'size') throw new DatabaseError(28748, `unrecognized option to $sample: ${field}`)
  }
  const sizeValue = doc.get('size')
  if (sizeValue === undefined) throw new DatabaseError(28749, '$sample stage must specify a size')
  if (!isNumber(sizeValue)) throw new DatabaseError(28746, 'size argument to $sample must be a number')
  const size = Number(exactInteger(sizeValue) ?? 0n)
  if (size <= 0) throw new DatabaseError(28747, 'size argument to $sample must be a positive integer')
  return function* (input) {
    const docs = Array.from(input)
    const wanted = Math.min(size, docs.length)
    for (let index = 0; index < wanted; index++) {
      const other = index + Math.floor(env.random() * (docs.length - index))
      const chosen = docs[other]!
      docs[other] = docs[index]!
      yield chosen
    }
  }
}

export const BASIC: Readonly<Record<string, CompileStage>> = {
  $match: match,
  $project: project,
  $addFields: adding('$addFields'),
  $set: adding('$set'),
  $unset: unset,
  $replaceRoot: replaceRoot,
  $replaceWith: replaceWith,
  $limit: limit,
  $skip: skip,
  $sort: (spec, env) => compileSortStage(spec, env, undefined),
  $count: count,
  $sortByCount: sortByCount,
  $sample: sample,
}
