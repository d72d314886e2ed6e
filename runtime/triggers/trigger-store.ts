import { type Collection, type Document, type MongoClient, MongoServerError } from 'mongodb'
import { defaultStateDatabase } from '../users/state.ts'
import type { LeaseDocument } from './lease.ts'

const duplicateKey = 11000
/** Of each call, whatever becomes of the connection: a runner must not hang. */
const timeoutMS = 10_000
const claimLifetimeSeconds = 7 * 24 * 3600

/** What is remembered of a trigger between runs. `_id` is `<client app id>/<trigger name>`. */
export interface StoredTrigger {
  _id: string
  app: string
  name: string
  /** Resume token of the last change whose effect is in the database. */
  token?: Document
  /** What the token is a position in; that of another collection means nothing. */
  source?: string
  /** Lease number of the runner that wrote last. */
  fence?: number
  suspended?: { reason: string; at: Date }
  /** Set when a start found the trigger disabled. */
  was_disabled?: boolean
  /** The last minute that a schedule ran for, or when it was first seen. */
  last_minute?: Date
  updated_at?: Date
}

interface RunClaim {
  _id: string
  at: Date
}

/** The trigger part of the edge's own database, for one app. */
export class TriggerStore {
  readonly app: string
  readonly leases: Collection<LeaseDocument>
  readonly #triggers: Collection<StoredTrigger>
  readonly #runs: Collection<RunClaim>

  constructor(client: MongoClient, app: string, database = defaultStateDatabase) {
    const db = client.db(database, { timeoutMS })
    this.app = app
    this.leases = db.collection('trigger_leases')
    this.#triggers = db.collection('triggers')
    this.#runs = db.collection('trigger_runs')
  }

  async ensureIndexes(): Promise<void> {
    await this.#runs.createIndex({ at: 1 }, { expireAfterSeconds: claimLifetimeSeconds })
  }

  async load(): Promise<Map<string, StoredTrigger>> {
    const stored = await this.#triggers.find({ app: this.app }).toArray()
    return new Map(stored.map((trigger) => [trigger.name, trigger]))
  }

  /** Marks every position as this holding's, so that writes of a former holder are refused from here on. */
  async claimPositions(fence: number): Promise<void> {
    await this.#triggers.updateMany({ app: this.app, fence: { $lt: fence } }, { $set: { fence } })
  }

  /**
   * Stores a resume position, or forgets it.
   *
   * @returns false when a later holder of the lease wrote already
   */
  async storePosition(
    names: readonly string[],
    token: Document | undefined,
    fence: number,
    source: string,
  ): Promise<boolean> {
    return this.#write(names, fence, token === undefined ? { $unset: { token: '' } } : { $set: { token, source } })
  }

  /** Forgets where a trigger stood, which now watches something else. */
  async forgetPosition(name: string): Promise<void> {
    await this.#triggers.updateOne({ _id: this.#id(name) }, { $unset: { token: '', suspended: '', source: '' } })
  }

  /** Stores that triggers are suspended. @returns false when a later holder of the lease wrote already */
  async suspend(
    names: readonly string[],
    suspended: { reason: string; at: Date },
    token: Document | undefined,
    fence: number,
  ): Promise<boolean> {
    return this.#write(names, fence, { $set: { suspended, ...(token === undefined ? {} : { token }) } })
  }

  /** Lets a suspended trigger run again, after its last change or, without its token, from now on. */
  async resume(name: string, options: { withToken: boolean }): Promise<boolean> {
    const { matchedCount } = await this.#triggers.updateOne(
      { _id: this.#id(name), suspended: { $exists: true } },
      { $unset: { suspended: '', ...(options.withToken ? {} : { token: '' }) } },
    )
    return matchedCount === 1
  }

  async markDisabled(names: readonly string[]): Promise<void> {
    await this.#triggers.updateMany(
      { _id: { $in: names.map((name) => this.#id(name)) } },
      { $set: { was_disabled: true } },
    )
  }

  async markEnabled(name: string, options: { dropToken: boolean }): Promise<void> {
    const forgotten = options.dropToken ? ['was_disabled', 'token', 'last_minute'] : ['was_disabled']
    await this.#triggers.updateOne(
      { _id: this.#id(name) },
      { $unset: Object.fromEntries(forgotten.map((field) => [field, ''])) },
    )
  }

  async storeLastMinute(name: string, minute: Date): Promise<void> {
    await this.#triggers.updateOne(
      { _id: this.#id(name) },
      { $max: { last_minute: minute }, $setOnInsert: { app: this.app, name } },
      { upsert: true },
    )
  }

  /** Claims the run of a schedule for one minute. False when it was claimed already. */
  async claimRun(name: string, minute: Date): Promise<boolean> {
    try {
      await this.#runs.insertOne({ _id: `${this.#id(name)}/${minute.toISOString()}`, at: minute })
      return true
    } catch (error) {
      if (error instanceof MongoServerError && error.code === duplicateKey) return false
      throw error
    }
  }

  /** Forgets a run that was claimed and not made, so that it counts as missed. */
  async unclaimRun(name: string, minute: Date): Promise<void> {
    await this.#runs.deleteOne({ _id: `${this.#id(name)}/${minute.toISOString()}` })
    await this.#triggers.updateOne(
      { _id: this.#id(name), last_minute: minute },
      { $set: { last_minute: new Date(minute.getTime() - 1) } },
    )
  }

  async #write(names: readonly string[], fence: number, update: Document): Promise<boolean> {
    const written = await Promise.all(names.map((name) => this.#writeOne(name, fence, update)))
    return written.every(Boolean)
  }

  async #writeOne(name: string, fence: number, update: Document): Promise<boolean> {
    const filter: Document = { _id: this.#id(name), $or: [{ fence: { $lte: fence } }, { fence: { $exists: false } }] }
    try {
      await this.#triggers.updateOne(
        filter,
        {
          ...update,
          $set: { ...update.$set, app: this.app, name, fence },
          $currentDate: { updated_at: true },
        },
        { upsert: true },
      )
      return true
    } catch (error) {
      if (error instanceof MongoServerError && error.code === duplicateKey) return false
      throw error
    }
  }

  #id(name: string): string {
    return `${this.app}/${name}`
  }
}
