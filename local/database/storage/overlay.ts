import { isDocumentChange } from '../changes/change.ts'
import type { ChangeLog } from '../changes/change-log.ts'
import { DatabaseError } from '../errors.ts'
import type { ClusterTime } from './clock.ts'
import type { Collection } from './collection.ts'
import type { StoredBytes } from './slab.ts'

type Versions = Map<number, StoredBytes | null>

/**
 * How one collection looked at a moment, as its difference from now: the versions before each later change, taken from
 * the change log, and on top what a transaction has written itself. `null` = not there.
 */
export class Overlay {
  readonly own: Versions = new Map()
  readonly #past: Versions = new Map()
  readonly #collection: Collection
  readonly #log: ChangeLog
  #position: number

  /** @throws {DatabaseError} 239 SnapshotTooOld */
  constructor(collection: Collection, log: ChangeLog, at: ClusterTime) {
    this.#collection = collection
    this.#log = log
    this.#position = log.after(at)
    if (at < log.forgottenUntil) {
      throw new DatabaseError(239, 'Read timestamp is older than the oldest available timestamp.')
    }
  }

  /** Takes in the changes made since the last call. */
  catchUp(): void {
    if (this.#position < this.#log.start) {
      throw new DatabaseError(239, 'Read timestamp is older than the oldest available timestamp.')
    }
    for (; this.#position < this.#log.end; this.#position++) {
      const change = this.#log.at(this.#position)!
      if (!isDocumentChange(change) || change.uuid !== this.#collection.uuid) continue
      if (!this.#past.has(change.recordId)) this.#past.set(change.recordId, change.before ?? null)
    }
  }

  get(recordId: number): StoredBytes | null | undefined {
    const own = this.own.get(recordId)
    return own === undefined ? this.#past.get(recordId) : own
  }

  /** Someone else changed the record after the moment. */
  changedSince(recordId: number): boolean {
    return this.#past.has(recordId) && !this.own.has(recordId)
  }

  get empty(): boolean {
    return this.own.size === 0 && this.#past.size === 0
  }

  /** Every version that differs from now and is there. */
  *versions(): Iterable<readonly [number, StoredBytes]> {
    for (const [id, stored] of this.#past) if (stored !== null && !this.own.has(id)) yield [id, stored]
    for (const [id, stored] of this.own) if (stored !== null) yield [id, stored]
  }
}
