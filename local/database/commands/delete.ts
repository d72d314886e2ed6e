import { type Doc, int, type Value } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'
import { assertWritableName } from '../storage/namespace.ts'
import type { Command } from './command.ts'
import type { Invocation } from './invocation.ts'
import { Fields } from './support/fields.ts'
import { type Reply, reply } from './support/reply.ts'
import { statementsOf } from './support/statements.ts'
import { type DeleteOutcome, type DeleteStatement, runDelete, statementId, writeError } from './support/writing.ts'

const STATEMENT_FIELDS = new Set(['q', 'limit', 'collation', 'hint'])

function parseStatement(document: Doc, invocation: Invocation): DeleteStatement {
  const fields = new Fields(document, 'delete.deletes')
  fields.only(STATEMENT_FIELDS)
  const limit = fields.integer('limit')
  if (limit === undefined)
    throw new DatabaseError(40414, "BSON field 'delete.deletes.limit' is missing but a required field")
  if (limit !== 0 && limit !== 1) {
    throw new DatabaseError(9, `The limit field in delete objects must be 0 or 1. Got ${limit}`)
  }
  if (limit === 0 && invocation.retryable) throw new DatabaseError(72, 'Cannot use retryable writes with limit=0')
  return {
    filter: fields.requiredDocument('q'),
    multi: limit === 0,
    collation: fields.document('collation'),
    hint: fields.raw('hint'),
    let: invocation.fields.document('let'),
  }
}

const outcomeDoc = ({ deleted }: DeleteOutcome): Doc => new Map([['n', int(deleted)]])

/** Removes documents. */
export const deleteCommand: Command = {
  name: 'delete',
  fields: ['deletes', 'ordered', 'let', 'stmtId', 'stmtIds', 'bypassDocumentValidation'],
  inTransaction: true,
  writes: true,
  stable: true,
  async run(invocation): Promise<Reply> {
    const name = invocation.collectionName()
    assertWritableName(invocation.db, name)
    const statements = statementsOf(invocation, 'deletes')
    const ordered = invocation.fields.boolean('ordered') ?? true
    const writeErrors: Value[] = []
    const retried: Value[] = []
    let n = 0
    for (const [index, given] of statements.entries()) {
      const id = statementId(invocation, index)
      try {
        const known = invocation.outcome(id)
        if (known) {
          retried.push(int(id))
          n += Number(known.get('n')?.valueOf())
          continue
        }
        const statement = parseStatement(given, invocation)
        n += (await invocation.unblocked(() => runDelete(invocation, name, statement, id, outcomeDoc))).deleted
      } catch (error) {
        writeErrors.push(writeError(index, error))
        if (invocation.transaction) invocation.session?.abort(invocation.server.store)
        if (ordered || invocation.transaction) break
      }
    }
    invocation.server.counters.delete += statements.length
    return reply({
      n: int(n),
      ...(writeErrors.length > 0 ? { writeErrors } : {}),
      ...(retried.length > 0 ? { retriedStmtIds: retried } : {}),
    })
  },
}
