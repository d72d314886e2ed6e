import { DatabaseError } from '../../errors.ts'

/** How often the clock is looked at: it costs more than most documents do. */
const ASKED_PER_LOOK = 64

/** The time that a command and the `getMore`s of its cursor may take together: `maxTimeMS`. */
export class TimeLimit {
  #left: number
  #since = performance.now()
  #asked = 0

  /** @param milliseconds from now on */
  constructor(milliseconds: number) {
    this.#left = milliseconds
  }

  /** Milliseconds. */
  get left(): number {
    return this.#left - (performance.now() - this.#since)
  }

  /** To be called for every document. @throws {DatabaseError} 50 MaxTimeMSExpired */
  check(): void {
    if (++this.#asked % ASKED_PER_LOOK === 0 && this.left < 0) throw expired()
  }

  /** The client has its batch: its own time does not count. */
  pause(): void {
    this.#left = this.left
  }

  resume(): void {
    this.#since = performance.now()
  }

  /** A cursor that waits for data is limited by each `getMore`'s own time. */
  lift(): void {
    this.#left = Number.POSITIVE_INFINITY
  }
}

export function expired(): DatabaseError {
  return new DatabaseError(50, 'operation exceeded time limit')
}
