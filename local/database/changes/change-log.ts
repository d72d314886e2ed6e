import type { ClusterTime } from '../storage/clock.ts'
import { type Change, isDocumentChange } from './change.ts'

/** Whichever is reached first ends the history that change streams and snapshot reads can go back to. */
const MAX_CHANGES = 400_000
const MAX_BYTES = 128 * 1024 * 1024

function weight(change: Change): number {
  return isDocumentChange(change) ? 160 + (change.after?.length ?? 0) : 512
}

/** The latest changes in order, as MongoDB's oplog keeps them; positions count from the first change ever logged. */
export class ChangeLog {
  #changes: Change[] = []
  #first = 0
  #bytes = 0
  #waiting = new Set<() => void>()
  /** Position behind the last change that is on disk; undefined where nothing is kept. */
  #kept: number | undefined
  /** Changes at or before this time may be gone. */
  #forgotten: ClusterTime = 0

  /** Position behind the last change. */
  get end(): number {
    return this.#first + this.#changes.length
  }

  get start(): number {
    return this.#first
  }

  /** History is complete after this time. */
  get forgottenUntil(): ClusterTime {
    return this.#forgotten
  }

  /** Nothing before this time is known: what a server without history starts with. */
  startAt(time: ClusterTime): void {
    this.#forgotten = Math.max(this.#forgotten, time)
  }

  /** History is complete after this time, as a journal tells. */
  restoreHistory(time: ClusterTime): void {
    this.#forgotten = time
  }

  append(change: Change): void {
    this.#changes.push(change)
    this.#bytes += weight(change)
    if (this.#changes.length > MAX_CHANGES || this.#bytes > MAX_BYTES) this.#trim()
    if (this.#kept === undefined) this.#wake()
  }

  /**
   * Everything before this position is on disk. From the first call on, nobody is told of later changes: one that a
   * crash undoes has never been.
   */
  keptUpTo(position: number): void {
    this.#kept = position
    this.#wake()
  }

  /** The change at this position; `undefined` at the end. */
  at(position: number): Change | undefined {
    return this.#changes[position - this.#first]
  }

  /** The change at this position, once a crash would not undo it; `undefined` at the end. */
  lasting(position: number): Change | undefined {
    return this.#kept === undefined || position < this.#kept ? this.at(position) : undefined
  }

  /** Position of the first change later than `time`. */
  after(time: ClusterTime): number {
    let low = 0
    let high = this.#changes.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#changes[middle]!.time <= time) low = middle + 1
      else high = middle
    }
    return this.#first + low
  }

  /** Calls `wake` once when the next change lasts. @returns what takes it back */
  onNext(wake: () => void): () => void {
    this.#waiting.add(wake)
    return () => this.#waiting.delete(wake)
  }

  #wake(): void {
    if (this.#waiting.size === 0) return
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const wake of waiting) wake()
  }

  #trim(): void {
    let dropped = Math.floor(this.#changes.length / 4)
    // A transaction's changes go together.
    while (dropped < this.#changes.length && this.#changes[dropped]!.time === this.#changes[dropped - 1]!.time)
      dropped++
    this.#forgotten = this.#changes[dropped - 1]!.time
    for (const change of this.#changes.splice(0, dropped)) this.#bytes -= weight(change)
    this.#first += dropped
  }
}
