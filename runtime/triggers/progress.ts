import type { Document } from 'bson'

/**
 * Which changes of a stream are done: the position to resume from is the last one before the first unfinished, so that
 * a crash repeats events but never skips one.
 */
export class Progress {
  readonly #inFlight: { token: Document; done: boolean }[] = []

  get size(): number {
    return this.#inFlight.length
  }

  /** Notes a change that was handed out; call the result when its effect is stored. */
  begin(token: Document): () => void {
    const entry = { token, done: false }
    this.#inFlight.push(entry)
    return () => {
      entry.done = true
    }
  }

  /** The token to store now, if the position moved since the last call. */
  advance(): Document | undefined {
    let token: Document | undefined
    while (this.#inFlight[0]?.done) token = this.#inFlight.shift()?.token
    return token
  }
}
