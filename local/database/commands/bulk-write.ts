import { encodeDocument } from '../bson/codec.ts'
import { toDouble } from '../bson/number.ts'
import { type Doc, int, isNumber, type Value } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'
import { assertDatabaseName, assertWritableName } from '../storage/namespace.ts'
import type { Command } from './command.ts'
import { Invocation } from './invocation.ts'
import { sourceOf } from './support/cursors.ts'
import { Fields } from './support/fields.ts'
import type { Reply } from './support/reply.ts'
import { documentsOf, runStatements, statementsOf } from './support/statements.ts'
import { insertDocument, runDelete, runUpdate } from './support/writing.ts'
import { updateOf, updateOutcomeDoc } from './update.ts'

const INSERT_FIELDS = new Set(['insert', 'document'])
const UPDATE_FIELDS = new Set([
  'update',
  'filter',
  'multi',
  'updateMods',
  'upsert',
  'arrayFilters',
  'hint',
  'constants',
  'collation',
  'sort',
  'upsertSupplied',
])
const DELETE_FIELDS = new Set(['delete', 'filter', 'multi', 'hint', 'sort', 'collation'])

interface Totals {
  nErrors: number
  nInserted: number
  nMatched: number
  nModified: number
  nUpserted: number
  nDeleted: number
}

/** Writes to several collections in one command, as MongoDB 8.0 does. */
export const bulkWrite: Command = {
  name: 'bulkWrite',
  adminOnly: true,
  fields: [
    'ops',
    'nsInfo',
    'ordered',
    'errorsOnly',
    'bypassDocumentValidation',
    'bypassEmptyTsReplacement',
    'let',
    'cursor',
    'stmtId',
    'stmtIds',
  ],
  inTransaction: true,
  writes: true,
  stable: true,
  async run(invocation): Promise<Reply> {
    const { fields, server } = invocation
    const operations = statementsOf(invocation, 'ops')
    const namespaces = documentsOf(invocation, 'nsInfo').map(namespaceOf)
    const errorsOnly = fields.boolean('errorsOnly') ?? false
    const totals: Totals = { nErrors: 0, nInserted: 0, nMatched: 0, nModified: 0, nUpserted: 0, nDeleted: 0 }
    const results: Doc[] = []
    const targetOf = (operation: Doc): { db: string; name: string } => {
      const target = namespaces[namespaceIndex(operation)]
      if (target) return target
      throw new DatabaseError(2, `BulkWrite ops entry ${operation} has an invalid nsInfo index.`)
    }
    const retried = await runStatements(invocation, operations, {
      async run(operation, id) {
        const { db, name } = targetOf(operation)
        return runOperation(scoped(invocation, db), name, operation, id)
      },
      done(outcome, index) {
        addTo(totals, operations[index]!, outcome)
        if (!errorsOnly) results.push(resultOf(index, outcome))
      },
      failed(error) {
        results.push(failureOf(error))
        totals.nErrors++
      },
    })
    const cursor = fields.document('cursor')?.get('batchSize')
    const namespace = 'admin.$cmd.bulkWrite'
    const opened = server.cursors.open(sourceOf(results.map(encodeDocument)), {
      namespace,
      batchSize: isNumber(cursor) ? toDouble(cursor) : Number.POSITIVE_INFINITY,
      session: invocation.session?.id,
      transaction: invocation.transaction,
      now: server.now().getTime(),
    })
    const counts: [string, Value][] = Object.entries(totals).map(([name, value]) => [name, int(value)])
    return {
      fields: new Map([...counts, ...(retried.length > 0 ? [['retriedStmtIds', retried] as [string, Value]] : [])]),
      batch: { field: 'firstBatch', documents: opened.documents, cursorId: opened.id, namespace },
    }
  },
}

function namespaceOf(info: Doc): { db: string; name: string } {
  const fields = new Fields(info, 'bulkWrite.nsInfo')
  fields.only(new Set(['ns', 'collectionUUID', 'encryptionInformation']))
  const namespace = fields.requiredString('ns')
  const dot = namespace.indexOf('.')
  const db = namespace.slice(0, Math.max(0, dot))
  const name = namespace.slice(dot + 1)
  assertDatabaseName(db)
  assertWritableName(db, name)
  return { db, name }
}

function namespaceIndex(operation: Doc): number {
  const first = operation.values().next().value
  return isNumber(first) ? toDouble(first) : -1
}

/** The same command, working on one operation's database. */
function scoped(invocation: Invocation, db: string): Invocation {
  return new Invocation({
    server: invocation.server,
    peer: invocation.peer,
    name: invocation.name,
    db,
    body: invocation.body,
    sequences: invocation.sequences,
    session: invocation.session,
    transaction: invocation.transaction,
    retryable: invocation.retryable,
    root: invocation,
  })
}

async function runOperation(invocation: Invocation, name: string, operation: Doc, statement: number): Promise<Doc> {
  const kind = operation.keys().next().value
  if (kind === 'insert') {
    const fields = new Fields(operation, 'bulkWrite.ops')
    fields.only(INSERT_FIELDS)
    const document = encodeDocument(fields.requiredDocument('document'))
    await invocation.unblocked(() => insertDocument(invocation, name, document, statement))
    return new Map([['n', int(1)]])
  }
  if (kind === 'update') return runOneUpdate(invocation, name, operation, statement)
  if (kind === 'delete') return runOneDelete(invocation, name, operation, statement)
  throw new DatabaseError(40415, `BSON field 'bulkWrite.ops.${kind}' is an unknown field.`)
}

async function runOneUpdate(invocation: Invocation, name: string, operation: Doc, statement: number): Promise<Doc> {
  const fields = new Fields(operation, 'bulkWrite.ops')
  fields.only(UPDATE_FIELDS)
  const multi = fields.boolean('multi') ?? false
  if (multi && invocation.retryable) throw new DatabaseError(72, 'Cannot use retryable writes with multi=true')
  const update = {
    filter: fields.requiredDocument('filter'),
    update: updateOf(fields.raw('updateMods')),
    constants: fields.document('constants'),
    multi,
    upsert: fields.boolean('upsert') ?? false,
    arrayFilters: fields.documents('arrayFilters'),
    collation: fields.document('collation'),
    hint: fields.raw('hint'),
    sort: fields.document('sort'),
    let: invocation.fields.document('let'),
  }
  return updateOutcomeDoc(
    await invocation.unblocked(() => runUpdate(invocation, name, update, statement, updateOutcomeDoc)),
  )
}

async function runOneDelete(invocation: Invocation, name: string, operation: Doc, statement: number): Promise<Doc> {
  const fields = new Fields(operation, 'bulkWrite.ops')
  fields.only(DELETE_FIELDS)
  const multi = fields.boolean('multi') ?? false
  if (multi && invocation.retryable) throw new DatabaseError(72, 'Cannot use retryable writes with multi=true')
  const remove = {
    filter: fields.requiredDocument('filter'),
    multi,
    collation: fields.document('collation'),
    hint: fields.raw('hint'),
    sort: fields.document('sort'),
    let: invocation.fields.document('let'),
  }
  const outcome = await invocation.unblocked(() =>
    runDelete(invocation, name, remove, statement, ({ deleted }) => new Map([['n', int(deleted)]])),
  )
  return new Map([['n', int(outcome.deleted)]])
}

function numberAt(outcome: Doc, field: string): number {
  const value = outcome.get(field)
  return isNumber(value) ? toDouble(value) : 0
}

function addTo(totals: Totals, operation: Doc, outcome: Doc): void {
  const n = numberAt(outcome, 'n')
  if (operation.has('insert')) totals.nInserted += n
  else if (operation.has('delete')) totals.nDeleted += n
  else if (outcome.has('upserted')) totals.nUpserted += 1
  else {
    totals.nMatched += n
    totals.nModified += numberAt(outcome, 'nModified')
  }
}

function resultOf(index: number, outcome: Doc): Doc {
  const result: Doc = new Map<string, Value>([
    ['ok', 1],
    ['idx', int(index)],
  ])
  for (const [field, value] of outcome) {
    result.set(field, field === 'upserted' ? new Map([['_id', value]]) : value)
  }
  return result
}

function failureOf(error: Doc): Doc {
  const result: Doc = new Map<string, Value>([
    ['ok', 0],
    ['idx', error.get('index')!],
    ['n', int(0)],
  ])
  for (const [field, value] of error) if (field !== 'index') result.set(field, value)
  return result
}
