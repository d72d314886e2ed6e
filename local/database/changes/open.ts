import { type Doc, isDoc, Timestamp, type Value } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'
import { fromTimestamp } from '../storage/clock.ts'
import { rawIdKey } from '../storage/collection.ts'
import type { Store } from '../storage/store.ts'
import type { BeforeChangeMode, FullDocumentMode } from './event.ts'
import { parseResumeToken, type ResumePoint } from './resume-token.ts'
import { ChangeStream, type StreamScope } from './stream.ts'

const FIELDS = new Set([
  'fullDocument',
  'fullDocumentBeforeChange',
  'resumeAfter',
  'startAfter',
  'startAtOperationTime',
  'allChangesForCluster',
  'showExpandedEvents',
  'showMigrationEvents',
  'showSystemEvents',
  'showRawUpdateDescription',
  'matchCollectionUUIDForUpdateLookup',
])
const STAGES = new Set([
  '$addFields',
  '$match',
  '$project',
  '$replaceRoot',
  '$replaceWith',
  '$redact',
  '$set',
  '$unset',
  '$changeStreamSplitLargeEvent',
])
const FULL_DOCUMENT: readonly string[] = ['default', 'updateLookup', 'whenAvailable', 'required']
const BEFORE_CHANGE: readonly string[] = ['off', 'whenAvailable', 'required']

/**
 * Opens the stream of a pipeline that starts with `$changeStream`.
 *
 * @param run runs the stages behind it
 * @throws {DatabaseError} 40415, 2, 20, 260, 280, 286, 40674, 7182800, 7182802
 */
export function openChangeStream(
  store: Store,
  db: string,
  collection: string | undefined,
  pipeline: readonly Doc[],
  run: (stages: Doc[], events: Iterable<Doc>) => Iterable<Doc>,
): ChangeStream {
  const given = pipeline[0]!.get('$changeStream')
  if (!isDoc(given)) throw new DatabaseError(50808, '$changeStream stage expects a document as argument')
  for (const field of given.keys()) {
    if (!FIELDS.has(field)) {
      throw new DatabaseError(40415, `BSON field '$changeStream.${field}' is an unknown field.`)
    }
  }
  const stages = pipeline.slice(1)
  for (const stage of stages) {
    const [name] = stage.keys()
    if (name !== undefined && !STAGES.has(name)) {
      // A stage that is unknown or misspelt is refused as such first.
      run([stage], [])
      throw new DatabaseError(20, `${name} is not permitted in a $changeStream pipeline`)
    }
  }
  const splits = splitsLargeEvents(stages)
  const rest = splits ? stages.slice(0, -1) : stages
  const point = startOf(given, store)
  if (point.fragment !== undefined && !splits) {
    throw new DatabaseError(
      280,
      'To resume from a split event, the $changeStream pipeline must include a $changeStreamSplitLargeEvent stage',
    )
  }
  const options = {
    fullDocument: oneOf<FullDocumentMode>(given, 'fullDocument', FULL_DOCUMENT, 'default'),
    beforeChange: oneOf<BeforeChangeMode>(given, 'fullDocumentBeforeChange', BEFORE_CHANGE, 'off'),
    expanded: given.get('showExpandedEvents') === true,
    lookup: (change: Parameters<ChangeStreamLookup>[0]) => lookup(store, change),
  }
  return new ChangeStream(
    store.log,
    scopeOf(store, given, db, collection),
    options,
    point,
    rest.length > 0 ? (events) => run(rest, events) : undefined,
    () => store.clock.last,
    splits,
  )
}

/** @throws {DatabaseError} 7182800, 7182802 */
function splitsLargeEvents(stages: readonly Doc[]): boolean {
  const name = '$changeStreamSplitLargeEvent'
  const at = stages.findIndex((stage) => stage.has(name))
  if (at < 0) return false
  const spec = stages[at]!.get(name)
  if (!isDoc(spec) || spec.size > 0) throw new DatabaseError(7182800, `${name} spec should be an empty object`)
  if (at < stages.length - 1) throw new DatabaseError(7182802, `${name} must be the last stage in the pipeline`)
  return true
}

type ChangeStreamLookup = ConstructorParameters<typeof ChangeStream>[2]['lookup']

function oneOf<Mode extends string>(given: Doc, field: string, modes: readonly string[], fallback: Mode): Mode {
  const value = given.get(field) ?? fallback
  if (typeof value !== 'string' || !modes.includes(value)) {
    throw new DatabaseError(
      2,
      `Enumeration value '${String(value)}' for field '$changeStream.${field}' is not a valid value.`,
    )
  }
  return value as Mode
}

function scopeOf(store: Store, given: Doc, db: string, collection: string | undefined): StreamScope {
  if (given.get('allChangesForCluster') === true) {
    if (db !== 'admin' || collection !== undefined) {
      throw new DatabaseError(
        72,
        "A $changeStream with 'allChangesForCluster:true' may only be opened on the 'admin' database, and with no collection name.",
      )
    }
    return {}
  }
  if (db === 'admin' || db === 'config' || db === 'local') {
    throw new DatabaseError(73, `$changeStream may not be opened on the internal ${db} database`)
  }
  if (collection === undefined) return { db }
  if (store.find(db, collection)?.options.has('viewOn')) {
    throw new DatabaseError(167, 'Option $changeStream not supported on view')
  }
  return { db, collection }
}

function startOf(given: Doc, store: Store): ResumePoint {
  const resumeAfter = given.get('resumeAfter')
  const startAfter = given.get('startAfter')
  const at = given.get('startAtOperationTime')
  const ways: (Value | undefined)[] = [resumeAfter, startAfter, at].filter((way) => way !== undefined)
  if (ways.length > 1) {
    throw new DatabaseError(40674, 'Only one type of resume option is allowed, but multiple were found.')
  }
  if (at !== undefined) {
    if (!(at instanceof Timestamp)) {
      throw new DatabaseError(
        14,
        "BSON field '$changeStream.startAtOperationTime' is the wrong type, expected type 'timestamp'",
      )
    }
    return { time: fromTimestamp(at) - 1, position: 0xffffffff, told: 'all' }
  }
  const token = resumeAfter ?? startAfter
  if (token === undefined) return { time: store.clock.last, position: 0xffffffff, told: 'all' }
  const point = parseResumeToken(token)
  if (resumeAfter !== undefined && point.told === 'invalidate') {
    throw new DatabaseError(
      260,
      "Attempting to resume a change stream using 'resumeAfter' is not allowed from an invalidate notification.",
    )
  }
  return point
}

function lookup(store: Store, change: Parameters<ChangeStreamLookup>[0]): Doc | undefined {
  const collection = store.find(change.db, change.collection)
  const stored = change.after ?? change.before
  if (!collection || !stored) return undefined
  return collection.byId.get(rawIdKey(stored, collection.collation))?.decode()
}
