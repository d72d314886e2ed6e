import { encodeDocument } from '../bson/codec.ts'
import { type Doc, isDoc } from '../bson/value.ts'
import { openChangeStream } from '../changes/open.ts'
import type { PipelineEnv } from '../engine/env.ts'
import { compileFilter } from '../engine/match/filter.ts'
import { runPipeline } from '../engine/stage/pipeline.ts'
import { DatabaseError } from '../errors.ts'
import { toTimestamp } from '../storage/clock.ts'
import type { Collection } from '../storage/collection.ts'
import { countsOnly } from '../storage/plan/covered.ts'
import { runPlan } from '../storage/plan/execute.ts'
import { planQuery } from '../storage/plan/planner.ts'
import type { Command } from './command.ts'
import { explainCommand } from './explain.ts'
import type { Invocation } from './invocation.ts'
import { type DocumentSource, sourceOf } from './support/cursors.ts'
import { compileOutput } from './support/output.ts'
import { collationOf, type FindOptions, read } from './support/reading.ts'
import type { Reply } from './support/reply.ts'
import { sourceStage } from './support/source-stages.ts'
import { viewPipeline } from './support/view.ts'

const FIELDS = [
  'pipeline',
  'cursor',
  'explain',
  'allowDiskUse',
  'bypassDocumentValidation',
  'collation',
  'hint',
  'let',
  'needsMerge',
  'fromMongos',
  'exchange',
  'isMapReduceCommand',
  'stmtId',
]

/** Stages that make documents themselves, so that the command names no collection: `aggregate: 1`. */
const COLLECTIONLESS = new Set([
  '$changeStream',
  '$currentOp',
  '$documents',
  '$listLocalSessions',
  '$listSessions',
  '$queryStats',
])

/** Runs an aggregation pipeline. */
export const aggregate: Command = {
  name: 'aggregate',
  fields: FIELDS,
  inTransaction: true,
  writes: true,
  stable: true,
  run(invocation): Reply {
    const { body, fields, server } = invocation
    server.counters.query++
    const pipeline = fields.documents('pipeline')
    if (!pipeline) throw new DatabaseError(40414, "BSON field 'aggregate.pipeline' is missing but a required field")
    if (body.get('apiStrict') === true) pipeline.forEach(assertStable)
    const target = body.get('aggregate')
    if (typeof target !== 'string') {
      const first = pipeline[0]?.keys().next().value
      if (first === undefined || !COLLECTIONLESS.has(first)) {
        throw new DatabaseError(73, `{aggregate: 1} is not valid for '${first ?? ''}'; a collection is required.`)
      }
      return runAggregate(invocation, undefined, pipeline)
    }
    if (fields.boolean('explain')) return explainCommand(invocation, body, 'queryPlanner')
    return runAggregate(invocation, invocation.collectionName(), pipeline)
  },
}

/** Stages that are not in the Stable API version 1. */
const UNSTABLE_STAGES = new Set([
  '$changeStreamSplitLargeEvent',
  '$currentOp',
  '$indexStats',
  '$listLocalSessions',
  '$listSessions',
  '$planCacheStats',
  '$search',
  '$searchMeta',
  '$vectorSearch',
  '$listSearchIndexes',
])

/** @throws {DatabaseError} 323 APIStrictError */
function assertStable(stage: Doc): void {
  const [entry] = stage
  if (!entry) return
  const [name, spec] = entry
  // Drivers count by `$collStats: { count: {} }`, so that this one option of the stage is in the API.
  const countsAlone = isDoc(spec) && spec.size === 1 && spec.has('count')
  if (UNSTABLE_STAGES.has(name) || (name === '$collStats' && !countsAlone)) {
    throw new DatabaseError(323, `stage ${name} is not allowed with 'apiStrict: true' in API Version 1`)
  }
}

/** @param name absent: the pipeline makes its own documents */
export function runAggregate(invocation: Invocation, name: string | undefined, pipeline: Doc[]): Reply {
  const { fields, server, db } = invocation
  const cursor = fields.document('cursor')
  if (invocation.name === 'aggregate' && !cursor && !fields.boolean('explain')) {
    throw new DatabaseError(9, "The 'cursor' option is required, except for aggregate with the explain argument")
  }
  const batch = cursor?.get('batchSize') ?? (invocation.name === 'find' ? fields.raw('batchSize') : undefined)
  const batchSize = batch === undefined || batch === null ? undefined : Number(batch.valueOf())
  const namespace = `${db}.${name ?? '$cmd.aggregate'}`
  const source: DocumentSource = pipeline[0]?.has('$changeStream')
    ? changeStream(invocation, name, pipeline)
    : sourceOf(encoded(runPipelineOn(invocation, name, pipeline)))
  const writesOut = pipeline.some((stage) => stage.has('$out') || stage.has('$merge'))
  const opened = server.cursors.open(source, {
    namespace,
    batchSize: writesOut && batchSize === 0 ? 1 : batchSize,
    session: invocation.session?.id,
    transaction: invocation.transaction,
    timeLimit: invocation.timeLimit,
    now: server.now().getTime(),
    context: 'PlanExecutor error during aggregation',
  })
  const more: Doc = new Map(source.fields?.() ?? [])
  if (invocation.snapshotTime !== undefined) more.set('atClusterTime', toTimestamp(invocation.snapshotTime))
  return {
    fields: new Map(),
    batch: {
      field: 'firstBatch',
      documents: opened.documents,
      cursorId: opened.id,
      namespace,
      ...(more.size > 0 ? { more } : {}),
    },
  }
}

function* encoded(documents: Iterable<Doc>): Generator<Uint8Array> {
  for (const document of documents) yield encodeDocument(document)
}

function changeStream(invocation: Invocation, name: string | undefined, pipeline: Doc[]): DocumentSource {
  if (invocation.transaction) {
    throw new DatabaseError(263, 'Operation not permitted in transaction :: caused by :: $changeStream')
  }
  const env = pipelineEnv(invocation, name)
  return openChangeStream(invocation.server.store, invocation.db, name, pipeline, (stages, events) =>
    runPipeline(stages, events, env),
  )
}

/** The stages that a plan can take over, and the rest. */
export interface SplitPipeline {
  readonly options: FindOptions
  readonly rest: Doc[]
}

/** Leading `$match`, `$sort` and `$limit` become a read that indexes can help. */
export function splitPipeline(pipeline: readonly Doc[]): SplitPipeline {
  const filters: Doc[] = []
  let at = 0
  for (; at < pipeline.length; at++) {
    const match = pipeline[at]!.size === 1 ? pipeline[at]!.get('$match') : undefined
    if (!isDoc(match)) break
    if (match.size > 0) filters.push(match)
  }
  const filter: Doc = filters.length < 2 ? (filters[0] ?? new Map()) : new Map([['$and', filters]])
  const sort = pipeline[at]?.size === 1 ? pipeline[at]!.get('$sort') : undefined
  if (!isDoc(sort) || [...sort.values()].some(isDoc) || sort.size === 0)
    return { options: { filter }, rest: pipeline.slice(at) }
  const limit = pipeline[at + 1]?.get('$limit')
  const bounded = limit !== undefined && Number.isInteger(Number(limit?.valueOf())) && Number(limit?.valueOf()) > 0
  return {
    options: { filter, sort, ...(bounded ? { limit: Number(limit?.valueOf()) } : {}) },
    rest: pipeline.slice(bounded ? at + 2 : at + 1),
  }
}

const SOURCE_STAGES = ['$collStats', '$indexStats', '$planCacheStats'] as const

/** The documents that a pipeline gives on a collection, a view, or nothing. */
export function runPipelineOn(invocation: Invocation, name: string | undefined, pipeline: Doc[]): Iterable<Doc> {
  const { fields } = invocation
  const own = name === undefined ? undefined : invocation.find(name)
  const view = own && viewPipeline(own)
  if (view) return runPipelineOn(invocation, view.on, [...view.pipeline, ...pipeline])
  const env = pipelineEnv(invocation, name)
  if (name === undefined) return runPipeline(pipeline, [], env)
  const collation = fields.document('collation')
  // Where such a stage stands elsewhere, the compiler says so.
  if (pipeline.some((stage) => SOURCE_STAGES.some((source) => stage.has(source)))) return runPipeline(pipeline, [], env)
  const { options, rest } = splitPipeline(pipeline)
  const hint = fields.raw('hint')
  const { records } = read(invocation, invocation.view(own), {
    ...options,
    collation,
    hint: isDoc(hint) && hint.size === 0 ? undefined : hint,
    let: fields.document('let'),
    countsOnly: countsOnly(rest),
  })
  return rest.length === 0 ? decoded(records) : runPipeline(rest, decoded(records), env)
}

function pipelineEnv(invocation: Invocation, name: string | undefined): PipelineEnv {
  const { fields, db } = invocation
  const collection = name === undefined ? undefined : invocation.find(name)
  const collation = fields.document('collation') ?? (collection ? collationOf(invocation.view(collection)) : undefined)
  const base = invocation.env({ let: fields.document('let'), collation })
  const env: PipelineEnv = {
    ...base,
    db,
    collection(other, otherDb = db) {
      const found = invocation.find(other, otherDb)
      const view = found && viewPipeline(found)
      if (view) return runPipelineOn(invocation, view.on, view.pipeline)
      return documentsOf(invocation, found, base.interrupt)
    },
    lookupIndexed(other, path, value) {
      const found = invocation.find(other)
      if (!found || found.options.has('viewOn') || base.collation || isDoc(value) || Array.isArray(value))
        return undefined
      const filter: Doc = new Map([[path, new Map([['$eq', value]])]])
      const reading = invocation.view(found)
      const plan = planQuery(reading, { filter })
      if (plan.kind === 'collection' || (plan.kind === 'index' && !helps(plan.bounds))) return undefined
      const matches = compileFilter(filter, base)
      return decoded(runPlan(reading, plan, matches))
    },
    output: (stage, spec) => compileOutput(invocation, name ?? '', stage, spec, env),
    sourceStage: (stage, spec) => sourceStage(invocation, name, stage, spec),
  }
  return env
}

const helps = (bounds: readonly (readonly string[])[]): boolean => !bounds[0]![0]!.includes('MinKey')

/** The documents of what a plan has found. */
export function* decoded(found: Iterable<{ record: { decode(): Doc }; document: Doc | undefined }>): Generator<Doc> {
  for (const { record, document } of found) yield document ?? record.decode()
}

function* documentsOf(
  invocation: Invocation,
  collection: Collection | undefined,
  interrupt: (() => void) | undefined,
): Generator<Doc> {
  for (const record of invocation.view(collection).records()) {
    interrupt?.()
    yield record.decode()
  }
}
