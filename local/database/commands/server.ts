import { type Doc, ObjectId, type Value } from '../bson/value.ts'
import type { Store } from '../storage/store.ts'
import { Cursors } from './support/cursors.ts'
import { FailPoints } from './support/fail-points.ts'
import { Parameters } from './support/parameters.ts'
import { Sessions } from './support/session.ts'

/** Everything the commands share. */
export class Server {
  readonly store: Store
  readonly cursors = new Cursors()
  readonly sessions: Sessions
  readonly failPoints = new FailPoints()
  readonly parameters = new Parameters()
  /** Names this run of the server in `topologyVersion`. */
  readonly processId = new ObjectId()
  readonly startedAt: number
  readonly storagePath: string | undefined
  /** Set by the listener. */
  port = 0
  connections: () => number = () => 0
  /** Documents and commands so far, as serverStatus counts them. */
  readonly counters = { insert: 0, query: 0, update: 0, delete: 0, getmore: 0, command: 0 }
  #nextExpiry: number

  constructor(store: Store, storagePath?: string) {
    this.store = store
    this.sessions = new Sessions(store)
    this.storagePath = storagePath
    this.startedAt = store.clock.now().getTime()
    this.#nextExpiry = this.startedAt + 1000
  }

  /** Changes when this server's state does: never. */
  topologyVersion(): Doc {
    return new Map<string, Value>([
      ['processId', this.processId],
      ['counter', 6n],
    ])
  }

  now(): Date {
    return this.store.clock.now()
  }

  /** What has lived too long ends; cheap enough to ask before every command. */
  expire(): void {
    const now = this.now().getTime()
    if (now < this.#nextExpiry) return
    this.#nextExpiry = now + 500
    this.sessions.expire(this.parameters.transactionLifetimeMs)
    this.cursors.expire(now)
  }
}
