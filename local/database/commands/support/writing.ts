import { encodeDocument } from '../../bson/codec.ts'
import { TYPE_BYTE } from '../../bson/types.ts'
import { type Doc, int, isDoc, Timestamp, type Value } from '../../bson/value.ts'
import { compileUpdate, isReplacement, type UpdateOptions } from '../../engine/update/apply.ts'
import { assertUpsertFilter, documentFromUpsert } from '../../engine/update/upsert.ts'
import { DatabaseError, inContext } from '../../errors.ts'
import { toTimestamp } from '../../storage/clock.ts'
import { type Collection, withId } from '../../storage/collection.ts'
import type { Found } from '../../storage/plan/execute.ts'
import { rawElements } from '../../storage/raw-document.ts'
import type { WriteContext } from '../../storage/store.ts'
import type { Invocation } from '../invocation.ts'
import { read } from './reading.ts'

/** One update statement. */
export interface UpdateStatement {
  readonly filter: Doc
  readonly update: Doc | Doc[]
  /** Constants that a pipeline update may use as `$$name`. */
  readonly constants?: Doc | undefined
  readonly multi: boolean
  readonly upsert: boolean
  readonly arrayFilters?: Doc[] | undefined
  readonly collation?: Doc | undefined
  readonly hint?: Value | undefined
  readonly sort?: Doc | undefined
  readonly let?: Doc | undefined
  /** A replacement upsert whose document is given whole, keeping an empty timestamp. */
  readonly upsertSupplied?: boolean
}

export interface UpdateOutcome {
  readonly matched: number
  readonly modified: number
  /** The `_id` of the document that an upsert inserted. */
  readonly upsertedId?: Value
  /** findAndModify: the document before and after. */
  readonly before?: Doc
  readonly after?: Doc
}

/** @throws {DatabaseError} 166 for a view */
export function assertWritableCollection(collection: Collection | undefined): void {
  if (collection?.options.has('viewOn')) {
    throw new DatabaseError(166, `Namespace ${collection.namespace} is a view, not a collection`)
  }
}

/** Inserts one document as it came. */
export function insertDocument(
  invocation: Invocation,
  collection: string,
  document: Uint8Array,
  statement: number,
): void {
  const { store } = invocation.server
  const bytes = withServerTimestamps(withId(document), store.clock.tick.bind(store.clock))
  const target = writableCollection(invocation, collection)
  const base = invocation.writeContext()
  remembered(invocation, statement, new Map([['n', int(1)]]), base, (context) => store.insert(target, bytes, context))
}

function writableCollection(invocation: Invocation, name: string): Collection {
  const existing = invocation.find(name)
  assertWritableCollection(existing)
  return existing ?? invocation.server.store.ensure(invocation.db, name, invocation.writeContext())
}

/** Runs the write of a retryable statement with its outcome; a write that fails leaves none. */
function remembered(
  invocation: Invocation,
  statement: number,
  outcome: Doc,
  base: WriteContext,
  write: (context: WriteContext) => void,
): void {
  const context = invocation.retryContext(statement, outcome, base)
  try {
    write(context)
  } catch (error) {
    invocation.forget(statement)
    throw error
  }
}

/** MongoDB fills an empty top-level timestamp when a document is stored. */
function withServerTimestamps(bytes: Uint8Array, tick: () => number): Uint8Array {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (!buffer.includes(TYPE_BYTE.timestamp)) return bytes
  let result: Buffer | undefined
  for (const element of rawElements(buffer)) {
    if (element.type !== TYPE_BYTE.timestamp || element.name === '_id' || buffer.readBigUInt64LE(element.value) !== 0n)
      continue
    const { t, i } = toTimestamp(tick())
    result ??= Buffer.from(buffer)
    result.writeUInt32LE(i, element.value)
    result.writeUInt32LE(t, element.value + 4)
  }
  return result ?? bytes
}

/**
 * Runs one update statement.
 *
 * @param outcomeOf what a retry of the statement will be told
 */
export function runUpdate(
  invocation: Invocation,
  name: string,
  statement: UpdateStatement,
  statementId: number,
  outcomeOf: (outcome: UpdateOutcome) => Doc,
): UpdateOutcome {
  const { update, filter } = statement
  const replacement = isReplacement(update)
  if (replacement && statement.multi) {
    throw new DatabaseError(9, 'multi update is not supported for replacement-style update')
  }
  if (statement.constants && isDoc(update)) {
    throw new DatabaseError(51198, 'Constant values may only be specified for pipeline updates')
  }
  if (statement.upsert) assertUpsertFilter(filter)
  const collection = invocation.find(name)
  assertWritableCollection(collection)
  const view = invocation.view(collection)
  const variables = statement.constants ? new Map([...(statement.let ?? []), ...statement.constants]) : statement.let
  const options: UpdateOptions = {
    env: invocation.env({ let: variables, collation: statement.collation }),
    filter,
    ...(statement.arrayFilters ? { arrayFilters: statement.arrayFilters } : {}),
  }
  const apply = compileUpdate(update, options)
  const { records } = read(invocation, view, {
    filter,
    sort: statement.sort,
    hint: statement.hint,
    collation: statement.collation,
    let: statement.let,
    limit: statement.multi ? undefined : 1,
  })
  return inContext(executorContext(invocation), () => {
    const { store } = invocation.server
    const targets = [...records]
    const base = invocation.writeContext()
    if (targets.length === 0) {
      if (!statement.upsert) return { matched: 0, modified: 0 }
      return upsert(invocation, name, statement, statementId, options, base, outcomeOf)
    }
    // Nothing is written while any of them is held by a transaction: the statement then starts over as a whole.
    for (const { record } of targets) store.assertWritable(collection!, record.id, base.transaction)
    let modified = 0
    let before: Doc | undefined
    let after: Doc | undefined
    for (const { record, document } of targets) {
      const old = document ?? record.decode()
      const result = apply(old)
      before = old
      after = result.doc
      if (!result.changed) continue
      if (replacement) after = filledTimestamps(after, store.clock.tick.bind(store.clock))
      modified++
      const outcome = { matched: targets.length, modified, before: old, after }
      remembered(invocation, statementId, outcomeOf(outcome), base, (context) =>
        store.update(collection!, record, replacement ? 'replace' : 'update', old, outcome.after, context),
      )
    }
    return { matched: targets.length, modified, ...(before && after ? { before, after } : {}) }
  })
}

/** MongoDB says so of findAndModify alone; the errors of update and delete come as they are. */
function executorContext({ name }: Invocation): string | undefined {
  return name.toLowerCase() === 'findandmodify' ? 'Plan executor error during findAndModify' : undefined
}

function filledTimestamps(document: Doc, tick: () => number): Doc {
  let filled: Doc | undefined
  for (const [field, value] of document) {
    if (!(value instanceof Timestamp) || field === '_id' || value.t !== 0 || value.i !== 0) continue
    filled ??= new Map(document)
    filled.set(field, toTimestamp(tick()))
  }
  return filled ?? document
}

function upsert(
  invocation: Invocation,
  name: string,
  statement: UpdateStatement,
  statementId: number,
  options: UpdateOptions,
  base: WriteContext,
  outcomeOf: (outcome: UpdateOutcome) => Doc,
): UpdateOutcome {
  const { store } = invocation.server
  const made = documentFromUpsert(statement.filter, statement.update, { ...options, isUpsertInsert: true })
  const document = filledTimestamps(made, store.clock.tick.bind(store.clock))
  const outcome: UpdateOutcome = { matched: 0, modified: 0, upsertedId: document.get('_id')!, after: document }
  const bytes = withId(encodeDocument(document))
  const target = writableCollection(invocation, name)
  remembered(invocation, statementId, outcomeOf(outcome), base, (context) =>
    store.insert(target, bytes, context, document),
  )
  return outcome
}

/** One delete statement. */
export interface DeleteStatement {
  readonly filter: Doc
  readonly multi: boolean
  readonly collation?: Doc | undefined
  readonly hint?: Value | undefined
  readonly sort?: Doc | undefined
  readonly let?: Doc | undefined
}

export interface DeleteOutcome {
  readonly deleted: number
  /** The document that was deleted, when it is one. */
  readonly before?: Doc
}

/** Runs one delete statement. */
export function runDelete(
  invocation: Invocation,
  name: string,
  statement: DeleteStatement,
  statementId: number,
  outcomeOf: (outcome: DeleteOutcome) => Doc,
): DeleteOutcome {
  const { store } = invocation.server
  const collection = invocation.find(name)
  assertWritableCollection(collection)
  const { records } = read(invocation, invocation.view(collection), {
    filter: statement.filter,
    sort: statement.sort,
    hint: statement.hint,
    collation: statement.collation,
    let: statement.let,
    limit: statement.multi ? undefined : 1,
  })
  return inContext(executorContext(invocation), () => {
    const targets: Found[] = [...records]
    const base = invocation.writeContext()
    for (const { record } of targets) store.assertWritable(collection!, record.id, base.transaction)
    if (statement.multi) {
      for (const { record } of targets) store.remove(collection!, record, base)
      return { deleted: targets.length }
    }
    const [target] = targets
    if (!target) return { deleted: 0 }
    const before = target.document ?? target.record.decode()
    const outcome = { deleted: 1, before }
    remembered(invocation, statementId, outcomeOf(outcome), base, (context) =>
      store.remove(collection!, target.record, context),
    )
    return outcome
  })
}
