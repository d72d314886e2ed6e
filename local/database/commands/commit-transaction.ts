import { DatabaseError } from '../errors.ts'
import type { Command } from './command.ts'
import type { Invocation } from './invocation.ts'
import { OK } from './support/reply.ts'
import type { Session } from './support/session.ts'

/** @throws {DatabaseError} 125 CommandFailed, 72 */
export function transactionOf(invocation: Invocation): { session: Session; txnNumber: bigint } {
  const { session, fields, body } = invocation
  const txnNumber = fields.bigint('txnNumber')
  if (!session || txnNumber === undefined || body.get('autocommit') !== false) {
    throw new DatabaseError(125, `${invocation.name} must be run within a transaction`)
  }
  return { session, txnNumber }
}

/** Makes a transaction's writes final; doing it again changes nothing. */
export const commitTransaction: Command = {
  name: 'commitTransaction',
  adminOnly: true,
  fields: ['recoveryToken', 'commitTimestamp'],
  inTransaction: true,
  writes: true,
  stable: true,
  run(invocation) {
    const { session, txnNumber } = transactionOf(invocation)
    session.commit(txnNumber, invocation.server.store)
    return OK
  },
}
