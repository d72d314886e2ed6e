import { type Doc, isDoc } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'
import { toTimestamp } from '../storage/clock.ts'
import { soleId } from '../storage/plan/planner.ts'
import type { Command } from './command.ts'
import type { Invocation } from './invocation.ts'
import { type DocumentSource, sourceOf } from './support/cursors.ts'
import { type FindOptions, indexKeys, project, projectionOf, read } from './support/reading.ts'
import type { Reply } from './support/reply.ts'
import { tailableSource } from './support/tailable.ts'
import { viewPipeline } from './support/view.ts'

const FIELDS = [
  'filter',
  'sort',
  'projection',
  'hint',
  'skip',
  'limit',
  'batchSize',
  'singleBatch',
  'max',
  'min',
  'returnKey',
  'showRecordId',
  'tailable',
  'awaitData',
  'oplogReplay',
  'noCursorTimeout',
  'allowPartialResults',
  'collation',
  'allowDiskUse',
  'let',
  'ntoreturn',
]

/** The `find` fields of a command, also of one that is explained. */
export function findOptions(invocation: Invocation): FindOptions {
  const { fields } = invocation
  const hint = fields.raw('hint')
  if (hint !== undefined && typeof hint !== 'string' && !isDoc(hint)) {
    throw new DatabaseError(9, 'hint must be either a string or nested object')
  }
  return {
    filter: fields.document('filter') ?? new Map(),
    sort: fields.document('sort'),
    projection: fields.document('projection'),
    skip: fields.integer('skip'),
    limit: fields.integer('limit'),
    hint: isDoc(hint) && hint.size === 0 ? undefined : hint,
    collation: fields.document('collation'),
    let: fields.document('let'),
    min: fields.document('min'),
    max: fields.document('max'),
    showRecordId: fields.boolean('showRecordId'),
    returnKey: fields.boolean('returnKey'),
  }
}

/** Reads documents of one collection. */
export const find: Command = {
  name: 'find',
  fields: FIELDS,
  inTransaction: true,
  stable: true,
  unstable: [
    'max',
    'min',
    'returnKey',
    'showRecordId',
    'tailable',
    'awaitData',
    'oplogReplay',
    'noCursorTimeout',
    'allowPartialResults',
  ],
  run(invocation): Reply | Promise<Reply> {
    const { server, fields, db } = invocation
    server.counters.query++
    const name = invocation.collectionName()
    const stored = storedById(invocation, name)
    if (stored) return stored
    const options = findOptions(invocation)
    const collection = invocation.find(name)
    if (collection && viewPipeline(collection)) {
      return import('./aggregate.ts').then(({ runAggregate }) => runAggregate(invocation, name, asPipeline(options)))
    }
    const projection = projectionOf(invocation, options)
    const view = invocation.view(collection)
    const tailable = fields.boolean('tailable') ?? false
    const reading = read(invocation, view, options)
    const documents = options.returnKey
      ? indexKeys(reading)
      : project(reading.records, projection, options.showRecordId ?? false)
    let source: DocumentSource = limited(sourceOf(documents), options.limit)
    if (tailable) {
      if (collection && !collection.capped) {
        throw new DatabaseError(2, 'error processing query: tailable cursor requested on non capped collection')
      }
      if (collection) {
        source = tailableSource(invocation, collection, options, projection, fields.boolean('awaitData') ?? false)
      }
    }
    const opened = server.cursors.open(source, {
      namespace: `${db}.${name}`,
      batchSize: fields.integer('batchSize'),
      singleBatch: fields.boolean('singleBatch') ?? false,
      session: invocation.session?.id,
      transaction: invocation.transaction,
      timeLimit: invocation.timeLimit,
      noTimeout: fields.boolean('noCursorTimeout') ?? false,
      now: server.now().getTime(),
      context: `Executor error during find command: ${db}.${name}`,
    })
    return {
      fields: new Map(),
      batch: {
        field: 'firstBatch',
        documents: opened.documents,
        cursorId: opened.id,
        namespace: `${db}.${name}`,
        ...(invocation.snapshotTime === undefined
          ? {}
          : { more: new Map([['atClusterTime', toTimestamp(invocation.snapshotTime)]]) }),
      },
    }
  },
}

const BEYOND_LOOKUP = FIELDS.filter(
  (field) => !['filter', 'limit', 'singleBatch', 'batchSize', 'noCursorTimeout', 'allowDiskUse'].includes(field),
)

/** The commonest read of all, one document by its `_id`: the stored bytes, without a plan, a match or a cursor. */
function storedById(invocation: Invocation, name: string): Reply | undefined {
  const { body, db } = invocation
  const filter = body.get('filter')
  if (!isDoc(filter) || body.get('singleBatch') !== true || invocation.transaction) return undefined
  const id = soleId(filter)
  if (id === undefined || invocation.snapshotTime !== undefined || BEYOND_LOOKUP.some((field) => body.has(field))) {
    return undefined
  }
  const collection = invocation.find(name)
  if (!collection || collection.collation || collection.options.has('viewOn')) return undefined
  const record = collection.findById(id)
  return {
    fields: new Map(),
    batch: {
      field: 'firstBatch',
      documents: record ? [record.current.view()] : [],
      cursorId: 0n,
      namespace: `${db}.${name}`,
    },
  }
}

/** With a limit the server knows the end when it gives the last document. */
function limited(source: DocumentSource, limit: number | undefined): DocumentSource {
  if (!limit) return source
  let given = 0
  const close = source.close
  return {
    next() {
      const document = source.next()
      if (document) given++
      return document
    },
    get finished() {
      return given >= limit
    },
    ...(close ? { close: () => close.call(source) } : {}),
  }
}

function asPipeline(options: FindOptions): Doc[] {
  const pipeline: Doc[] = []
  if (options.filter.size > 0) pipeline.push(new Map([['$match', options.filter]]))
  if (options.sort && options.sort.size > 0) pipeline.push(new Map([['$sort', options.sort]]))
  if (options.skip) pipeline.push(new Map([['$skip', options.skip]]))
  if (options.limit) pipeline.push(new Map([['$limit', options.limit]]))
  if (options.projection && options.projection.size > 0) pipeline.push(new Map([['$project', options.projection]]))
  return pipeline
}
