import type { CatalogChange, ChangeOrigin, DocumentChangeKind } from '../changes/change.ts'
import type { ChangeLog } from '../changes/change-log.ts'
import { DatabaseError } from '../errors.ts'
import type { ClusterTime } from './clock.ts'
import type { Collection } from './collection.ts'
import type { Index } from './index.ts'
import { Overlay } from './overlay.ts'
import type { StoredBytes } from './slab.ts'

/** One write of a transaction, to be made when it commits. */
export interface StagedWrite {
  readonly collection: Collection
  readonly kind: DocumentChangeKind
  readonly recordId: number
  readonly before: StoredBytes | undefined
  readonly after: StoredBytes | undefined
}

/** A write met one that another transaction has made and not yet committed. */
export class WriteBlocked extends Error {
  readonly transaction: Transaction
  constructor(transaction: Transaction) {
    super('a write waits for a transaction')
    this.transaction = transaction
  }
}

export function writeConflict(): DatabaseError {
  return new DatabaseError(
    112,
    'Caused by :: Write conflict during plan execution and yielding is disabled. :: Please retry your operation or multi-document transaction.',
  )
}

/** A multi-document transaction: reads see one moment and its own writes, which nobody else sees before the commit. */
export class Transaction {
  readonly origin: ChangeOrigin
  readonly snapshotTime: ClusterTime
  readonly writes: StagedWrite[] = []
  readonly created: Collection[] = []
  /** Collections and indexes made, to be told when it commits. */
  readonly definitions: CatalogChange[] = []
  readonly #log: ChangeLog
  readonly #overlays = new Map<Collection, Overlay>()
  readonly #reserved: { index: Index; key: string }[] = []
  readonly #locked: { collection: Collection; recordId: number }[] = []
  readonly #ended = Promise.withResolvers<void>()

  constructor(origin: ChangeOrigin, snapshotTime: ClusterTime, log: ChangeLog) {
    this.origin = origin
    this.snapshotTime = snapshotTime
    this.#log = log
  }

  /** Settles when the transaction has been committed or aborted. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  overlay(collection: Collection): Overlay {
    let overlay = this.#overlays.get(collection)
    if (!overlay) {
      overlay = new Overlay(collection, this.#log, this.snapshotTime)
      this.#overlays.set(collection, overlay)
    }
    return overlay
  }

  /** @throws {DatabaseError} 112 WriteConflict */
  stage(write: StagedWrite): void {
    const { collection, recordId } = write
    const holder = collection.locks.get(recordId)
    const overlay = this.overlay(collection)
    overlay.catchUp()
    if ((holder && holder !== this) || overlay.changedSince(recordId)) throw writeConflict()
    if (!holder) {
      collection.locks.set(recordId, this)
      this.#locked.push({ collection, recordId })
    }
    overlay.own.set(recordId, write.after ?? null)
    this.writes.push(write)
  }

  reserve(index: Index, key: string, recordId: number): void {
    index.reservations.set(key, { owner: this, recordId })
    this.#reserved.push({ index, key })
  }

  /** Gives up every lock; the last step of a commit and of an abort. */
  release(): void {
    for (const { collection, recordId } of this.#locked) collection.locks.delete(recordId)
    for (const { index, key } of this.#reserved) index.reservations.delete(key)
    this.#overlays.clear()
    this.#ended.resolve()
  }
}
