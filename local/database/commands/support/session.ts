import type { Doc } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { COMMIT_STATEMENT, type RetryRecord, type Store } from '../../storage/store.ts'
import { Transaction } from '../../storage/transaction.ts'

const DISCONNECT_GRACE_MS = 1000
export const SESSION_LIFETIME_MS = 30 * 60_000

/** One logical session: its transaction, and what its retryable writes have answered. */
export class Session {
  /** Hexadecimal UUID. */
  readonly id: string
  lastUse = 0
  txnNumber = -1n
  transaction: Transaction | undefined
  transactionStarted = 0
  /** The latest transaction was committed: committing it again is fine. */
  committed = false
  /** `txnNumber` numbers a transaction, not a retryable write. */
  isTransaction = false
  /** Answers of the statements of the current retryable write. */
  readonly outcomes = new Map<number, Doc>()
  /** Connection that last used the transaction. */
  connection = 0

  constructor(id: string) {
    this.id = id
  }

  /** Begins or repeats a retryable write. @throws {DatabaseError} 225 TransactionTooOld */
  useForRetry(txnNumber: bigint, store: Store): void {
    if (txnNumber < this.txnNumber) {
      throw new DatabaseError(
        225,
        `Retryable write with txnNumber ${txnNumber} is prohibited on session ${this.id} because a newer retryable write with txnNumber ${this.txnNumber} has already started on this session.`,
      )
    }
    if (txnNumber === this.txnNumber) {
      if (this.isTransaction) {
        throw new DatabaseError(
          50911,
          `Cannot start a retryable write at given transaction number ${txnNumber}: a transaction has that number`,
        )
      }
      return
    }
    this.abort(store)
    this.txnNumber = txnNumber
    this.isTransaction = false
    this.committed = false
    this.outcomes.clear()
  }

  /** @throws {DatabaseError} 225, 50911 */
  start(txnNumber: bigint, connection: number, store: Store): Transaction {
    if (txnNumber < this.txnNumber) {
      throw new DatabaseError(
        225,
        `Cannot start transaction with session ${this.id} and transaction number ${txnNumber} because a newer transaction with txnNumber ${this.txnNumber} has already started on this session.`,
      )
    }
    if (txnNumber === this.txnNumber && (this.transaction || this.committed || !this.isTransaction)) {
      throw new DatabaseError(
        50911,
        `Cannot start a transaction at given transaction number ${txnNumber} a transaction with the same number is in state ${this.transaction ? 'TxnState::InProgress' : 'TxnState::Committed'}`,
      )
    }
    this.abort(store)
    this.txnNumber = txnNumber
    this.isTransaction = true
    this.committed = false
    this.outcomes.clear()
    this.connection = connection
    this.transaction = new Transaction({ session: this.id, txnNumber }, store.clock.last, store.log)
    this.transactionStarted = store.clock.now().getTime()
    return this.transaction
  }

  /** The transaction in progress. @throws {DatabaseError} 225, 251 NoSuchTransaction, 256 TransactionCommitted */
  continue(txnNumber: bigint): Transaction {
    if (txnNumber < this.txnNumber) {
      throw new DatabaseError(
        225,
        `Cannot continue transaction ${txnNumber} on session ${this.id} because a newer transaction with txnNumber ${this.txnNumber} has already started on this session.`,
      )
    }
    if (txnNumber > this.txnNumber || !this.isTransaction) {
      throw noSuchTransaction(
        `Given transaction number ${txnNumber} does not match any in-progress transactions. The active transaction number is ${this.txnNumber}`,
      )
    }
    if (this.transaction) return this.transaction
    if (this.committed) throw new DatabaseError(256, `Transaction with { txnNumber: ${txnNumber} } has been committed.`)
    throw noSuchTransaction(`Transaction with { txnNumber: ${txnNumber} } has been aborted.`)
  }

  /** @throws {DatabaseError} 251 NoSuchTransaction */
  commit(txnNumber: bigint, store: Store): void {
    if (txnNumber === this.txnNumber && this.committed) return
    const transaction = this.continue(txnNumber)
    this.transaction = undefined
    this.committed = true
    store.commit(transaction)
  }

  /** A restart has found this transaction committed. */
  restoreCommit(txnNumber: bigint): void {
    this.txnNumber = txnNumber
    this.isTransaction = true
    this.committed = true
    this.outcomes.clear()
  }

  abort(store: Store): void {
    if (!this.transaction) return
    store.abort(this.transaction)
    this.transaction = undefined
  }
}

export function noSuchTransaction(message: string): DatabaseError {
  return new DatabaseError(251, message)
}

/** The sessions of this server by the hexadecimal UUID. */
export class Sessions {
  readonly #store: Store
  readonly #sessions = new Map<string, Session>()

  constructor(store: Store) {
    this.#store = store
  }

  use(id: string): Session {
    let session = this.#sessions.get(id)
    if (!session) {
      session = new Session(id)
      this.#sessions.set(id, session)
    }
    session.lastUse = this.#store.clock.now().getTime()
    return session
  }

  end(id: string): void {
    this.#sessions.get(id)?.abort(this.#store)
    this.#sessions.delete(id)
  }

  /** What a restart has found in the journal: one statement of a retryable write, or a commit. */
  restore({ session: id, txnNumber, statement, outcome }: RetryRecord): void {
    const session = this.use(id)
    if (txnNumber < session.txnNumber) return
    if (statement === COMMIT_STATEMENT) {
      session.restoreCommit(txnNumber)
      return
    }
    session.useForRetry(txnNumber, this.#store)
    session.outcomes.set(statement, outcome)
  }

  /** Aborts what has lived too long. @param transactionLifetimeMs of one transaction */
  expire(transactionLifetimeMs: number): void {
    const now = this.#store.clock.now().getTime()
    for (const [id, session] of this.#sessions) {
      if (session.transaction && now - session.transactionStarted >= transactionLifetimeMs) session.abort(this.#store)
      if (now - session.lastUse >= SESSION_LIFETIME_MS) this.end(id)
    }
  }

  /** Aborts the transactions that this connection began. */
  disconnected(connection: number): void {
    for (const session of this.#sessions.values()) {
      const { transaction } = session
      if (!transaction || session.connection !== connection) continue
      // A driver that lost its connection goes on over another one at once; one that is gone does not.
      const timer = setTimeout(() => {
        if (session.transaction === transaction && session.connection === connection) session.abort(this.#store)
      }, DISCONNECT_GRACE_MS)
      timer.unref()
    }
  }

  abortAll(): void {
    for (const session of this.#sessions.values()) session.abort(this.#store)
  }

  get size(): number {
    return this.#sessions.size
  }

  get openTransactions(): number {
    let open = 0
    for (const { transaction } of this.#sessions.values()) if (transaction) open++
    return open
  }

  [Symbol.iterator](): Iterator<Session> {
    return this.#sessions.values()
  }
}
