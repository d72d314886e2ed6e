import { type Collection, MongoServerError } from 'mongodb'

const duplicateKey = 11000

export interface LeaseDocument {
  _id: string
  holder: string
  /** Grows with every change of holder: a late write of a former holder is told by it. */
  fence: number
  /** Server time. */
  expires_at: Date
}

/**
 * A compare-and-set document with an expiry, so that one runner of many acts. Expiry is the server's time; the holder
 * itself trusts the lease for less than that, counted from before it asked.
 */
export class Lease {
  readonly #collection: Collection<LeaseDocument>
  readonly #id: string
  readonly #holder: string
  readonly #durationMs: number
  #heldUntil = 0
  #fence = 0

  constructor(collection: Collection<LeaseDocument>, id: string, holder: string, durationMs: number) {
    this.#collection = collection
    this.#id = id
    this.#holder = holder
    this.#durationMs = durationMs
  }

  /** Number of the current holding; 0 before the first. */
  get fence(): number {
    return this.#fence
  }

  /** True while it is certain that no one else can hold the lease. */
  get held(): boolean {
    return performance.now() < this.#heldUntil
  }

  /** Takes or renews the lease. False while another holds it. */
  async acquire(): Promise<boolean> {
    const askedAt = performance.now()
    const taken = await this.#compareAndSet()
    if (taken === null) {
      this.#heldUntil = 0
      return false
    }
    this.#fence = taken.fence
    this.#heldUntil = askedAt + this.#durationMs * 0.8
    return true
  }

  /** Gives the lease up, so that another runner need not wait for its end. */
  async release(): Promise<void> {
    this.#heldUntil = 0
    await this.#collection.updateOne({ _id: this.#id, holder: this.#holder }, [{ $set: { expires_at: '$$NOW' } }])
  }

  /** One atomic update: its pipeline decides on the server, by the server's clock, whether the lease changes hands. */
  async #compareAndSet(): Promise<LeaseDocument | null> {
    const mine = { $eq: ['$holder', { $literal: this.#holder }] }
    const free = { $or: [mine, { $lte: [{ $ifNull: ['$expires_at', '$$NOW'] }, '$$NOW'] }] }
    const fence = { $ifNull: ['$fence', 0] }
    try {
      const lease = await this.#collection.findOneAndUpdate(
        { _id: this.#id },
        [
          {
            $set: {
              holder: { $cond: [free, { $literal: this.#holder }, '$holder'] },
              fence: { $cond: [{ $and: [free, { $not: [mine] }] }, { $add: [fence, 1] }, fence] },
              expires_at: { $cond: [free, { $add: ['$$NOW', this.#durationMs] }, '$expires_at'] },
            },
          },
        ],
        { upsert: true, returnDocument: 'after' },
      )
      return lease?.holder === this.#holder ? lease : null
    } catch (error) {
      // Two runners created the lease at once, and the other one did.
      if (error instanceof MongoServerError && error.code === duplicateKey) return null
      throw error
    }
  }
}
