import { type Doc, isDoc, type Value } from '../../bson/value.ts'
import { ConstantError, DatabaseError } from '../../errors.ts'
import type { PipelineEnv } from '../env.ts'
import { entryOf } from '../table.ts'
import { setWindowFields } from '../window/stage.ts'
import { BASIC, compileSortStage, parseLimit } from './basic.ts'
import { bucket, bucketAuto } from './bucket.ts'
import { documents, facet, unionWith } from './combine.ts'
import { densify } from './densify.ts'
import { fill } from './fill.ts'
import { graphLookup } from './graph-lookup.ts'
import { group } from './group.ts'
import { lookup } from './lookup.ts'
import { redact } from './redact.ts'
import type { CompileStage, Stage } from './stage.ts'
import { unwind } from './unwind.ts'

const refused =
  (code: number, text: string): CompileStage =>
  () => {
    throw new DatabaseError(code, text)
  }

const SEARCH = 'is only valid on MongoDB Atlas: the local database has no search index'

const STAGES: Readonly<Record<string, CompileStage>> = {
  ...BASIC,
  $group: group,
  $bucket: bucket,
  $bucketAuto: bucketAuto,
  $unwind: unwind,
  $redact: redact,
  $lookup: lookup,
  $graphLookup: graphLookup,
  $facet: facet,
  $unionWith: unionWith,
  $documents: documents,
  $setWindowFields: setWindowFields,
  $densify: densify,
  $fill: fill,
  $changeStreamSplitLargeEvent: refused(
    20,
    '$changeStreamSplitLargeEvent can only be used in a $changeStream pipeline',
  ),
  $geoNear: refused(238, '$geoNear is not supported: the local database has no geospatial index'),
  $search: refused(31082, `$search ${SEARCH}`),
  $searchMeta: refused(31082, `$searchMeta ${SEARCH}`),
  $vectorSearch: refused(31082, `$vectorSearch ${SEARCH}`),
  $listSearchIndexes: refused(31082, `$listSearchIndexes ${SEARCH}`),
}

function nameAndSpec(stage: Doc): readonly [string, Value] {
  if (!isDoc(stage)) throw new DatabaseError(14, "Each element of the 'pipeline' array must be an object")
  const [entry] = stage
  if (entry === undefined || stage.size !== 1) {
    throw new DatabaseError(40323, 'A pipeline stage specification object must contain exactly one field.')
  }
  return entry
}

function compileStage(name: string, spec: Value, position: number, env: PipelineEnv): Stage {
  const source = env.sourceStage?.(name, spec)
  if (source !== undefined) {
    if (position > 0) throw new DatabaseError(40602, `${name} is only valid as the first stage in a pipeline`)
    return () => source
  }
  const compile = entryOf(STAGES, name)
  if (compile === undefined) throw new DatabaseError(40324, `Unrecognized pipeline stage name: '${name}'`)
  if (name === '$documents' && position > 0) {
    throw new DatabaseError(40602, '$documents is only valid as the first stage in a pipeline')
  }
  return compile(spec, env, compilePipeline)
}

/** Whether documents come out one for one, so that a limit may move before the stage. */
function limitAfter(entries: readonly (readonly [string, Value])[], at: number): number | undefined {
  let skipped = 0
  for (let next = at + 1; next < entries.length; next++) {
    const [name, spec] = entries[next]!
    if (name === '$limit') return parseLimit(spec) + skipped
    if (name !== '$skip') return undefined
    skipped += Number(spec)
    if (!Number.isFinite(skipped)) return undefined
  }
  return undefined
}

/** Compiles the stages of a pipeline; the function runs them over its input, lazily. */
export function compilePipeline(pipeline: readonly Doc[], env: PipelineEnv): Stage {
  try {
    return compileStages(pipeline, env)
  } catch (error) {
    throw error instanceof ConstantError ? error.within('Failed to optimize pipeline') : error
  }
}

function compileStages(pipeline: readonly Doc[], env: PipelineEnv): Stage {
  const entries = pipeline.map(nameAndSpec)
  const stages = entries.map(([name, spec], position): Stage => {
    if (name === '$out' || name === '$merge') {
      if (position !== entries.length - 1) {
        throw new DatabaseError(40601, `${name} can only be the final stage in the pipeline`)
      }
      const { output } = env
      if (output === undefined) throw new DatabaseError(20, `${name} cannot be used here`)
      const write = output(name, spec)
      // biome-ignore lint/correctness/useYield: the stage writes and has no documents of its own
      return function* (input) {
        write(input)
      }
    }
    if (name === '$sort') return compileSortStage(spec, env, limitAfter(entries, position))
    return compileStage(name, spec, position, env)
  })
  const { interrupt } = env
  if (!interrupt) return (input) => stages.reduce<Iterable<Doc>>((docs, stage) => stage(docs), input)
  return (input) => stages.reduce<Iterable<Doc>>((docs, stage) => interruptible(stage(docs), interrupt), input)
}

function* interruptible(docs: Iterable<Doc>, interrupt: () => void): Iterable<Doc> {
  for (const doc of docs) {
    interrupt()
    yield doc
  }
}

/**
 * Runs an aggregation pipeline. The pipeline is checked before the first document is read; documents come lazily.
 *
 * @throws {DatabaseError} 40324 for an unknown stage, and each stage's own codes with MongoDB's texts
 */
export function runPipeline(pipeline: readonly Doc[], input: Iterable<Doc>, env: PipelineEnv): Iterable<Doc> {
  return compilePipeline(pipeline, env)(input)
}
