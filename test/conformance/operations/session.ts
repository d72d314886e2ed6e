import type { ClientSession } from 'mongodb'
import { z } from 'zod'
import { InvalidTestError } from '../errors.ts'
import { checked, nestedOperation } from '../format.ts'
import type { OperationTable } from './operation.ts'

export const sessionOperations: OperationTable<ClientSession> = {
  startTransaction: async (session, options) => session.startTransaction(options),
  commitTransaction: (session, options) => session.commitTransaction(options),
  abortTransaction: (session, options) => session.abortTransaction(options),
  endSession: (session) => session.endSession(),
  getSnapshotTime: async (session) => {
    // The driver has the property, but keeps it out of its published types.
    const time: unknown = 'snapshotTime' in session ? session.snapshotTime : undefined
    if (time === undefined) throw new InvalidTestError('the session has no snapshot time')
    return time
  },
  withTransaction: async (session, { callback, ...options }, { execute }) => {
    const operations = checked(z.array(nestedOperation), callback)
    await session.withTransaction(async () => {
      for (const operation of operations) await execute(operation, true)
    }, options)
  },
}
