import type { ChangeStream, Document, MongoClient } from 'mongodb'
import { nextOf } from './next-of.ts'

/** For the wait with which the driver opens a stream, which takes no turn. */
export const openingAwaitMs = 10

const longestAwaitMs = 1_000
const shortestAwaitMs = 10
/** The part of a pool that stays free for everything but waiting. */
const reserved = 0.2

const turnsByClient = new WeakMap<MongoClient, AwaitTurns>()

/** The turns of all change streams of a client. */
export function awaitTurnsOf(client: MongoClient): AwaitTurns {
  const known = turnsByClient.get(client)
  if (known !== undefined) return known
  const size = client.options.maxPoolSize
  const turns = new AwaitTurns(size === 0 ? Number.POSITIVE_INFINITY : size - Math.max(1, Math.ceil(size * reserved)))
  turnsByClient.set(client, turns)
  return turns
}

/**
 * Turns at waiting for changes. A stream that waits holds one of its client's connections: without turns, as many
 * streams as the pool has connections leave none for anything else. As long as there are connections enough, each stream
 * waits a second at a time; beyond that all wait shorter, so that each has its turn about once a second.
 */
export class AwaitTurns {
  readonly #places: number
  /** In the order they came. */
  readonly #waiting = new Set<() => void>()
  #streams = 0
  #busy = 0

  /** @param places how many streams may wait at the server at the same time; at least one may */
  constructor(places: number) {
    this.#places = Math.max(1, places)
  }

  /** Counts a stream among those that take turns, until the result is called. */
  join(): () => void {
    this.#streams++
    return () => {
      this.#streams--
    }
  }

  /** The next event, or null when this turn brought none. */
  async tryNext(stream: ChangeStream, signal: AbortSignal): Promise<Document | null> {
    if (!(await this.#begin(signal))) return null
    try {
      setAwait(stream, this.#awaitMs())
      return await nextOf(stream)
    } finally {
      this.#end()
    }
  }

  #awaitMs(): number {
    if (this.#streams <= this.#places) return longestAwaitMs
    return Math.max(shortestAwaitMs, Math.floor((longestAwaitMs * this.#places) / this.#streams))
  }

  /** @returns false when `signal` aborted first */
  async #begin(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false
    if (this.#busy < this.#places) {
      this.#busy++
      return true
    }
    return new Promise((resolve) => {
      const give = () => {
        signal.removeEventListener('abort', leave)
        resolve(true)
      }
      const leave = () => {
        this.#waiting.delete(give)
        resolve(false)
      }
      this.#waiting.add(give)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  /** Hands the place on, or frees it. */
  #end(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#busy--
      return
    }
    this.#waiting.delete(next)
    next()
  }
}

/** The driver takes this once, at opening, but reads it from here for every wait. */
function setAwait(stream: ChangeStream, ms: number): void {
  const cursor: unknown = Reflect.get(stream, 'cursor')
  const options: unknown = isObject(cursor) ? Reflect.get(cursor, 'cursorOptions') : undefined
  if (isObject(options)) Reflect.set(options, 'maxAwaitTimeMS', ms)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
