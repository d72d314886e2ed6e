import { type Doc, isDoc, type Timestamp, typeName, type Value } from '../bson/value.ts'
import { createCollation } from '../engine/collation.ts'
import type { QueryEnv } from '../engine/env.ts'
import { evaluateExpression } from '../engine/expression/compile.ts'
import { DatabaseError } from '../errors.ts'
import { toTimestamp } from '../storage/clock.ts'
import type { Collection } from '../storage/collection.ts'
import { assertCollectionName } from '../storage/namespace.ts'
import type { ReadView } from '../storage/read-view.ts'
import type { WriteContext } from '../storage/store.ts'
import { type Transaction, WriteBlocked } from '../storage/transaction.ts'
import type { Peer } from '../wire/connection.ts'
import type { Server } from './server.ts'
import { Fields } from './support/fields.ts'
import type { Session } from './support/session.ts'
import { expired, TimeLimit } from './support/time-limit.ts'

interface InvocationOptions {
  readonly server: Server
  readonly peer: Peer
  readonly name: string
  readonly db: string
  readonly body: Doc
  readonly sequences: ReadonlyMap<string, readonly Uint8Array[]>
  readonly session?: Session | undefined
  readonly transaction?: Transaction | undefined
  readonly retryable?: boolean
  readonly snapshotTime?: number | undefined
  /** The command that this one is part of. */
  readonly root?: Invocation
}

/** One running command: what was asked, by whom, and within what. */
export class Invocation {
  readonly server: Server
  readonly peer: Peer
  readonly name: string
  readonly db: string
  readonly body: Doc
  /** The command's fields, read with types. */
  readonly fields: Fields
  /** Document sequences and other arrays whose documents are kept as bytes. */
  readonly sequences: ReadonlyMap<string, readonly Uint8Array[]>
  readonly session: Session | undefined
  readonly transaction: Transaction | undefined
  /** The client may send it again: each statement's effect is remembered. */
  readonly retryable: boolean
  /** Reads see the data as of this cluster time. */
  readonly snapshotTime: number | undefined
  /** `maxTimeMS`; that of a `getMore` is how long it waits for data. */
  readonly timeLimit: TimeLimit | undefined
  readonly #root: Invocation | undefined
  #closeConnection = false
  readonly #now: Date

  constructor(options: InvocationOptions) {
    this.server = options.server
    this.peer = options.peer
    this.name = options.name
    this.db = options.db
    this.body = options.body
    this.fields = new Fields(options.body, options.name)
    this.sequences = options.sequences
    this.session = options.session
    this.transaction = options.transaction
    this.retryable = options.retryable ?? false
    this.snapshotTime = options.snapshotTime
    this.#root = options.root
    const milliseconds = options.name === 'getMore' ? undefined : this.fields.integer('maxTimeMS')
    this.timeLimit = options.root?.timeLimit ?? (milliseconds ? new TimeLimit(milliseconds) : undefined)
    this.#now = options.server.now()
  }

  /** The connection is to be cut after the write, as a fail point asks. */
  get closeConnection(): boolean {
    return this.#closeConnection
  }

  cutConnection(): void {
    if (this.#root) this.#root.cutConnection()
    else this.#closeConnection = true
  }

  /** The collection that the command's first field names. @throws {DatabaseError} 73 InvalidNamespace */
  collectionName(): string {
    const name = this.body.get(this.body.keys().next().value!)
    if (typeof name !== 'string') {
      throw new DatabaseError(73, `collection name has invalid type ${typeName(name ?? null)}`)
    }
    assertCollectionName(this.db, name)
    return name
  }

  find(name: string, db = this.db): Collection | undefined {
    return this.server.store.find(db, name, this.transaction)
  }

  view(collection: Collection | undefined): ReadView {
    const { store } = this.server
    return this.snapshotTime === undefined
      ? store.view(collection, this.transaction)
      : store.viewAt(collection, this.snapshotTime)
  }

  /** What queries and updates of this command may know. */
  env(options: { let?: Doc | undefined; collation?: Doc | undefined } = {}): QueryEnv {
    const { timeLimit } = this
    const env = {
      now: this.#now,
      clusterTime: this.clusterTime(),
      random: Math.random,
      ...(timeLimit ? { interrupt: () => timeLimit.check() } : {}),
    }
    const collation = createCollation(options.collation)
    const withCollation = collation ? { ...env, collation } : env
    if (!options.let || options.let.size === 0) return withCollation
    const variables: Doc = new Map()
    for (const [name, expression] of options.let) {
      const value = evaluateExpression(expression, new Map(), withCollation)
      if (value !== undefined) variables.set(name, value)
    }
    return { ...withCollation, let: variables }
  }

  clusterTime(): Timestamp {
    return toTimestamp(this.server.store.clock.last)
  }

  writeContext(): WriteContext {
    const bypass = this.fields.boolean('bypassDocumentValidation')
    return {
      ...(this.transaction ? { transaction: this.transaction } : {}),
      ...(bypass ? { bypassValidation: true } : {}),
    }
  }

  /**
   * Runs one write statement; while a transaction holds what it wants, it waits and starts over.
   *
   * @throws {DatabaseError} 50 MaxTimeMSExpired; within a transaction 112 WriteConflict
   */
  async unblocked<Result>(statement: () => Result): Promise<Result> {
    for (;;) {
      try {
        return statement()
      } catch (error) {
        if (!(error instanceof WriteBlocked)) throw error
        await this.#wait(error.transaction)
      }
    }
  }

  async #wait(transaction: Transaction): Promise<void> {
    const stop = Promise.withResolvers<'late' | 'gone'>()
    const gone = (): void => stop.resolve('gone')
    this.peer.closed.addEventListener('abort', gone, { once: true })
    const left = this.timeLimit?.left
    const timer = left === undefined ? undefined : setTimeout(() => stop.resolve('late'), Math.max(0, left))
    const outcome = await Promise.race([transaction.ended, stop.promise])
    clearTimeout(timer)
    this.peer.closed.removeEventListener('abort', gone)
    if (outcome === 'late') throw expired()
    if (outcome === 'gone' || this.peer.closed.aborted) throw new DatabaseError(11601, 'operation was interrupted')
  }

  /** What a retried statement has answered before. */
  outcome(statement: number): Doc | undefined {
    return this.retryable ? this.session?.outcomes.get(statement) : undefined
  }

  /**
   * The context of one statement of a retryable write; the outcome is remembered, here and in the journal, when the
   * write is made.
   */
  retryContext(statement: number, outcome: Doc, context: WriteContext): WriteContext {
    const { session } = this
    if (!this.retryable || !session) return context
    const strike = this.server.failPoints.strike('onPrimaryTransactionalWrite')
    if (strike) {
      if (strike.get('closeConnection') !== false) this.cutConnection()
      const code = strike.get('failBeforeCommitExceptionCode')
      if (code !== undefined) throw new DatabaseError(Number(code?.valueOf()), 'failing before the commit: fail point')
    }
    session.outcomes.set(statement, outcome)
    return { ...context, retry: { session: session.id, txnNumber: session.txnNumber, statement, outcome } }
  }

  /** The outcome of a statement whose write failed is none. */
  forget(statement: number): void {
    if (this.retryable) this.session?.outcomes.delete(statement)
  }
}

/** A value that must be a document or null. */
export function asDocument(value: Value | undefined, field: string): Doc {
  if (isDoc(value)) return value
  throw new DatabaseError(14, `BSON field '${field}' is the wrong type, expected type 'object'`)
}
