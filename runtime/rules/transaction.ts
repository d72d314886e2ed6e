import { type ClientSession, MongoError } from 'mongodb'
import type { DataAccess } from '../data/data-access.ts'
import { codeOf, toDatabaseError } from '../data/database-error.ts'
import { AppError } from '../errors.ts'

/** What a checked write runs in. */
export interface WriteTransaction {
  readonly session: ClientSession
  /** Registers how to take back a write, should the transaction be a caller's own that it may still commit. */
  undo(step: () => Promise<unknown>): void
}

/**
 * Runs a write and its checks so that all of it or nothing is applied: in a transaction of its own, or inside the
 * caller's, where a refusal takes back what was written before it is thrown.
 *
 * @throws {AppError} `MongoDBError` when the server has no transactions: an unchecked write is no fallback
 */
export async function inTransaction<T>(
  system: DataAccess,
  service: string,
  given: ClientSession | undefined,
  body: (transaction: WriteTransaction) => Promise<T>,
): Promise<T> {
  if (given?.inTransaction()) return inCallersTransaction(given, body)
  const session = given ?? system.startSession(service)
  // Where a step of the body has aborted already, the driver's own abort fails, and its error would hide why.
  let cause: unknown
  try {
    return await session.withTransaction(async () => {
      cause = undefined
      try {
        return await body({ session, undo: () => {} })
      } catch (error) {
        if (!isTransient(error)) cause = error
        throw retryableCause(error)
      }
    })
  } catch (error) {
    throw withoutTransactions(cause ?? error) ?? toDatabaseError(cause ?? error)
  } finally {
    if (!given) await session.endSession()
  }
}

async function inCallersTransaction<T>(
  session: ClientSession,
  body: (transaction: WriteTransaction) => Promise<T>,
): Promise<T> {
  const steps: (() => Promise<unknown>)[] = []
  try {
    return await body({ session, undo: (step) => steps.push(step) })
  } catch (error) {
    await takeBack(session, steps)
    throw error
  }
}

/** Takes the writes back, newest first; where that fails (the server ended the transaction), nothing may be committed. */
async function takeBack(session: ClientSession, steps: readonly (() => Promise<unknown>)[]): Promise<void> {
  try {
    for (const step of steps.toReversed()) await step()
  } catch {
    if (session.inTransaction()) await session.abortTransaction()
  }
}

/** The driver repeats a transaction by labels of its own errors, which the data path wraps. */
function retryableCause(error: unknown): unknown {
  return isTransient(error) && error instanceof AppError ? error.cause : error
}

/** True for an error that ends this attempt of a transaction, or the connection, and says nothing about the write. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof AppError)) return false
  const { cause, status } = error
  return status === 503 || (cause instanceof MongoError && cause.hasErrorLabel('TransientTransactionError'))
}

function withoutTransactions(error: unknown): AppError | undefined {
  const cause = error instanceof AppError ? error.cause : error
  const refused = codeOf(cause) === 263 || (codeOf(cause) === 20 && /transaction/i.test(String(cause)))
  return refused
    ? new AppError('MongoDBError', 'writes under these rules need transactions: use a replica set', {
        status: 400,
        cause,
      })
    : undefined
}
