import { type Doc, int } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'
import { assertWritableName } from '../storage/namespace.ts'
import type { Command } from './command.ts'
import type { Invocation } from './invocation.ts'
import { Fields } from './support/fields.ts'
import { type Reply, reply } from './support/reply.ts'
import { listed, runStatements, statementsOf } from './support/statements.ts'
import { type DeleteOutcome, type DeleteStatement, runDelete } from './support/writing.ts'

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
    const writeErrors: Doc[] = []
    let n = 0
    const retried = await runStatements(invocation, statements, {
      async run(given, id) {
        const statement = parseStatement(given, invocation)
        return outcomeDoc(await invocation.unblocked(() => runDelete(invocation, name, statement, id, outcomeDoc)))
      },
      done(outcome) {
        n += Number(outcome.get('n')?.valueOf())
      },
      failed: (error) => writeErrors.push(error),
    })
    invocation.server.counters.delete += statements.length
    return reply({
      n: int(n),
      ...listed(writeErrors, retried),
    })
  },
}
