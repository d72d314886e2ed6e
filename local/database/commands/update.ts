import { type Doc, int, isDoc, type Value } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'
import { assertWritableName } from '../storage/namespace.ts'
import type { Command } from './command.ts'
import type { Invocation } from './invocation.ts'
import { Fields } from './support/fields.ts'
import { type Reply, reply } from './support/reply.ts'
import { listed, runStatements, statementsOf } from './support/statements.ts'
import { runUpdate, type UpdateOutcome, type UpdateStatement } from './support/writing.ts'

const STATEMENT_FIELDS = new Set([
  'q',
  'u',
  'c',
  'multi',
  'upsert',
  'upsertSupplied',
  'arrayFilters',
  'collation',
  'hint',
  'sort',
])

/** Reads an update given as a document or a pipeline. @throws {DatabaseError} 9 FailedToParse */
export function updateOf(value: Value | undefined): Doc | Doc[] {
  if (isDoc(value)) return value
  if (Array.isArray(value)) {
    return value.map((stage) => {
      if (isDoc(stage)) return stage
      throw new DatabaseError(14, "Each element of the 'pipeline' array must be an object")
    })
  }
  throw new DatabaseError(9, 'Update argument must be either an object or an array')
}

function parseStatement(document: Doc, invocation: Invocation): UpdateStatement {
  const fields = new Fields(document, 'update.updates')
  fields.only(STATEMENT_FIELDS)
  const multi = fields.boolean('multi') ?? false
  const sort = fields.document('sort')
  if (multi && sort) throw new DatabaseError(9, 'Cannot specify sort with multi=true')
  if (multi && invocation.retryable) throw new DatabaseError(72, 'Cannot use retryable writes with multi=true')
  return {
    filter: fields.requiredDocument('q'),
    update: updateOf(fields.raw('u')),
    constants: fields.document('c'),
    multi,
    upsert: fields.boolean('upsert') ?? false,
    arrayFilters: fields.documents('arrayFilters'),
    collation: fields.document('collation'),
    hint: fields.raw('hint'),
    sort,
    let: invocation.fields.document('let'),
  }
}

export function updateOutcomeDoc(outcome: UpdateOutcome): Doc {
  const document: Doc = new Map<string, Value>([
    ['n', int(outcome.upsertedId === undefined ? outcome.matched : 1)],
    ['nModified', int(outcome.modified)],
  ])
  if (outcome.upsertedId !== undefined) document.set('upserted', outcome.upsertedId)
  return document
}

/** Changes documents. */
export const update: Command = {
  name: 'update',
  fields: ['updates', 'ordered', 'bypassDocumentValidation', 'bypassEmptyTsReplacement', 'let', 'stmtId', 'stmtIds'],
  inTransaction: true,
  writes: true,
  stable: true,
  async run(invocation): Promise<Reply> {
    const name = invocation.collectionName()
    assertWritableName(invocation.db, name)
    const statements = statementsOf(invocation, 'updates')
    const upserted: Value[] = []
    const writeErrors: Doc[] = []
    let n = 0
    let modified = 0
    const retried = await runStatements(invocation, statements, {
      async run(given, id) {
        const statement = parseStatement(given, invocation)
        const outcome = await invocation.unblocked(() => runUpdate(invocation, name, statement, id, updateOutcomeDoc))
        return updateOutcomeDoc(outcome)
      },
      done(outcome, index) {
        n += Number(outcome.get('n')?.valueOf())
        modified += Number(outcome.get('nModified')?.valueOf())
        const _id = outcome.get('upserted')
        if (_id !== undefined)
          upserted.push(
            new Map<string, Value>([
              ['index', int(index)],
              ['_id', _id],
            ]),
          )
      },
      failed: (error) => writeErrors.push(error),
    })
    invocation.server.counters.update += statements.length
    return reply({
      n: int(n),
      ...(upserted.length > 0 ? { upserted } : {}),
      nModified: int(modified),
      ...listed(writeErrors, retried),
    })
  },
}
