import { Timestamp } from '../bson/value.ts'

/**
 * A cluster time as one number: seconds * 2^20 + increment. It orders like MongoDB's timestamps and fits a double; the
 * increment moves into the next second after a million writes within one.
 */
export type ClusterTime = number

const INCREMENTS = 2 ** 20

export function toTimestamp(time: ClusterTime): Timestamp {
  return new Timestamp({ t: Math.floor(time / INCREMENTS), i: time % INCREMENTS })
}

export function fromTimestamp(timestamp: Timestamp): ClusterTime {
  return timestamp.t * INCREMENTS + Math.min(timestamp.i, INCREMENTS - 1)
}

/** Gives every write a time of its own, later than all before. */
export class LogicalClock {
  readonly now: () => Date
  #last: ClusterTime

  constructor(now: () => Date) {
    this.now = now
    this.#last = Math.floor(now().getTime() / 1000) * INCREMENTS + 1
  }

  get last(): ClusterTime {
    return this.#last
  }

  tick(): ClusterTime {
    const second = Math.floor(this.now().getTime() / 1000) * INCREMENTS
    this.#last = Math.max(this.#last, second) + 1
    return this.#last
  }

  /** Goes on in the next second: the process before may have given away times of this one that it never wrote down. */
  leap(): void {
    this.advance((Math.floor(this.now().getTime() / 1000) + 1) * INCREMENTS)
  }

  /** Goes on behind `time`: what a restart has found. */
  advance(time: ClusterTime): void {
    if (time > this.#last) this.#last = time
  }
}
