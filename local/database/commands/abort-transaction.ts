import type { Command } from './command.ts'
import { transactionOf } from './commit-transaction.ts'
import { OK } from './support/reply.ts'

/** Takes a transaction's writes back. */
export const abortTransaction: Command = {
  name: 'abortTransaction',
  adminOnly: true,
  fields: ['recoveryToken'],
  inTransaction: true,
  writes: true,
  stable: true,
  run(invocation) {
    const { session, txnNumber } = transactionOf(invocation)
    session.continue(txnNumber)
    session.abort(invocation.server.store)
    return OK
  },
}
