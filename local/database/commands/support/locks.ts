import { WriteBlocked } from '../../storage/transaction.ts'
import type { Invocation } from '../invocation.ts'

/** Waits until no transaction has uncommitted writes in the collection, as MongoDB's exclusive lock would. */
export function untilFree(invocation: Invocation, name: string): Promise<void> {
  return invocation.unblocked(() => {
    const collection = invocation.find(name)
    for (const transaction of collection?.locks.values() ?? []) throw new WriteBlocked(transaction)
  })
}
