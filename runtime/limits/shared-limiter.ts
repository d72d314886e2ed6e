import { type Collection, type MongoClient, MongoServerError } from 'mongodb'
import type { LimitPolicy } from '../../schemas/edge-settings.ts'
import { collections } from '../users/documents.ts'
import { hmacSha256Hex } from '../users/hash.ts'
import { toVerdict, type Verdict } from './verdict.ts'

/** One subject of one policy. The index on `expires_at` deletes what no decision needs; none relies on it. */
export interface StoredHits {
  _id: string
  hits: Date[]
  /** Of the last update: how many of its hits passed, and when. */
  granted: number
  now: Date
  count: number
  /** The hit that must leave before another passes. */
  oldest?: Date
  expires_at: Date
}

export interface SharedLimiterOptions {
  client: MongoClient
  database: string
  app: string
  /** Keys the hashes of subjects: addresses are not stored as they are. */
  secret: string
}

/**
 * How servers refuse the loser of two first hits at once, or of two updates: E11000, WriteConflict, and DocumentDB's
 * FailedToParse for `$$NOW`. Nothing was recorded, so the hit is tried again.
 */
const lostRaces: ReadonlySet<unknown> = new Set([11000, 112, 9])
const maxTries = 5
/** A read would rather be counted here than wait; a login needs the same database a moment later anyway. */
const timeoutMs = { open: 250, closed: 2_000 } as const

/**
 * A sliding log in the database, exact over all hosts (spec: platform 2.3): one atomic update decides by the server's
 * clock and records what it lets pass. Hits that arrive here while an update is under way join in the next, so that a hot
 * subject costs one round trip at a time, not one for each hit.
 */
export class SharedLimiter {
  private readonly options: SharedLimiterOptions
  private readonly collection: Collection<StoredHits>
  private readonly queues = new Map<string, Queue>()

  constructor(options: SharedLimiterOptions) {
    this.options = options
    this.collection = options.client
      .db(options.database)
      .collection<StoredHits>(collections.limits, { writeConcern: { w: 'majority' } })
  }

  /**
   * Where subjects stand, in their order, without counting anything. Rejects when the database does not answer in time.
   */
  async peek(hits: readonly { policy: LimitPolicy; subject: string }[]): Promise<Verdict[]> {
    const ids = await Promise.all(hits.map(({ policy, subject }) => this.idOf(policy, subject)))
    const stored = await this.collection
      .aggregate<{ _id: string; hits: Date[]; now: Date }>(
        [{ $match: { _id: { $in: ids } } }, { $project: { hits: 1, now: '$$NOW' } }],
        { timeoutMS: timeoutMs.closed },
      )
      .toArray()
    const byId = new Map(stored.map((one) => [one._id, one]))
    return hits.map(({ policy }, i) => {
      const { hits: times = [], now = new Date(0) } = byId.get(ids[i] ?? '') ?? {}
      const opens = now.getTime() - policy.windowSeconds * 1000
      const recent = times.map((at) => at.getTime()).filter((at) => at > opens)
      return toVerdict(policy, recent.length < policy.limit, recent.length, recent[0] ?? 0, now.getTime())
    })
  }

  /** Forgets what a subject has done. */
  async forget(policy: LimitPolicy, subject: string): Promise<void> {
    await this.collection.deleteOne({ _id: await this.idOf(policy, subject) })
  }

  /** Rejects when the database does not answer in time. */
  async hit(policy: LimitPolicy, subject: string): Promise<Verdict> {
    const id = await this.idOf(policy, subject)
    return new Promise((resolve, reject) => {
      const queue = this.queues.get(id)
      if (queue !== undefined) {
        queue.waiting.push({ resolve, reject })
        return
      }
      const created: Queue = { waiting: [{ resolve, reject }] }
      this.queues.set(id, created)
      void this.drain(id, policy, created)
    })
  }

  private idOf(policy: LimitPolicy, subject: string): Promise<string> {
    const message = new TextEncoder().encode(`${this.options.app}\0${policy.name}\0${subject}`)
    return hmacSha256Hex(this.options.secret, message)
  }

  private async drain(id: string, policy: LimitPolicy, queue: Queue): Promise<void> {
    while (queue.waiting.length > 0) {
      const batch = queue.waiting.splice(0)
      try {
        const verdicts = await this.decide(id, policy, batch.length)
        for (const [i, { resolve, reject }] of batch.entries()) {
          const verdict = verdicts[i]
          if (verdict === undefined) reject(new Error('a hit without a verdict'))
          else resolve(verdict)
        }
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.queues.delete(id)
  }

  private async decide(id: string, policy: LimitPolicy, cost: number): Promise<Verdict[]> {
    const stored = await this.updateSurely(id, policy, cost)
    if (stored === null) throw new Error('an upsert returned nothing')
    const now = stored.now.getTime()
    const before = stored.count - stored.granted
    return Array.from({ length: cost }, (_, i) => {
      const allowed = i < stored.granted
      const count = allowed ? before + i + 1 : stored.count
      return toVerdict(policy, allowed, count, stored.oldest?.getTime() ?? now, now)
    })
  }

  private async updateSurely(id: string, policy: LimitPolicy, cost: number) {
    for (let tries = 1; ; tries++) {
      try {
        return await this.update(id, policy, cost)
      } catch (error) {
        const lost = error instanceof MongoServerError && lostRaces.has(error.code)
        if (!lost || tries === maxTries) throw error
      }
    }
  }

  private update(id: string, { limit, windowSeconds, onFailure }: LimitPolicy, cost: number) {
    const windowMs = windowSeconds * 1000
    const opens = { $subtract: ['$$NOW', windowMs] }
    const recent = { $filter: { input: { $ifNull: ['$hits', []] }, as: 'at', cond: { $gt: ['$$at', opens] } } }
    const granted = { $max: [0, { $min: [cost, { $subtract: [limit, { $size: '$hits' }] }] }] }
    const added = { $map: { input: { $range: [0, '$granted'] }, as: 'one', in: '$$NOW' } }
    return this.collection.findOneAndUpdate(
      { _id: id },
      [
        { $set: { hits: recent } },
        { $set: { granted } },
        { $set: { hits: { $concatArrays: ['$hits', added] }, now: '$$NOW' } },
        { $set: { count: { $size: '$hits' } } },
        {
          $set: {
            // More than the limit count only after it was lowered.
            oldest: { $arrayElemAt: ['$hits', { $max: [0, { $subtract: ['$count', limit] }] }] },
            expires_at: { $cond: [{ $gt: ['$granted', 0] }, { $add: ['$$NOW', windowMs] }, '$expires_at'] },
          },
        },
      ],
      { upsert: true, returnDocument: 'after', projection: { hits: 0 }, timeoutMS: timeoutMs[onFailure] },
    )
  }
}

interface Queue {
  waiting: { resolve: (verdict: Verdict) => void; reject: (error: unknown) => void }[]
}
