import type { Door, LimitPolicy } from '../../schemas/edge-settings.ts'
import { AppError } from '../errors.ts'
import type { Log } from '../log.ts'
import { LocalLimiter } from './local-limiter.ts'
import { SharedLimiter, type SharedLimiterOptions } from './shared-limiter.ts'
import type { Verdict } from './verdict.ts'

/** Whose hit it is; absent parts are not counted. */
export type Subjects = Partial<Record<LimitPolicy['per'], string>>

export interface LimiterOptions extends SharedLimiterOptions {
  policies: readonly LimitPolicy[]
  now: () => Date
  log: Log
}

const alarmEveryMs = 60_000

/** Applies the policies of a door to a hit. */
export class Limiter {
  private readonly options: LimiterOptions
  private readonly local: LocalLimiter
  private readonly shared: SharedLimiter
  private alarmedAt = Number.NEGATIVE_INFINITY
  private fallbacks = 0

  constructor(options: LimiterOptions) {
    this.options = options
    this.local = new LocalLimiter(options.now)
    this.shared = new SharedLimiter(options)
  }

  /**
   * Counts a hit. What one policy refuses is recorded with none of the local ones.
   *
   * @returns one verdict for each policy that applies
   * @throws {AppError} status 503 when a policy that fails closed cannot be decided
   */
  async hit(door: Door, subjects: Subjects): Promise<Verdict[]> {
    const hits = this.options.policies.flatMap((policy) => {
      const subject = policy.door === door ? subjects[policy.per] : undefined
      return subject === undefined ? [] : [{ policy, subject }]
    })
    if (hits.length === 0) return []
    const local = hits.filter(({ policy }) => policy.store === 'local')
    const verdicts = this.local.hitAll(local)
    for (const { policy, subject } of hits) {
      if (policy.store === 'local') continue
      if (!verdicts.every(({ allowed }) => allowed)) break
      verdicts.push(await this.hitShared(policy, subject))
      if (verdicts.at(-1)?.allowed === false) this.local.takeBack(local)
    }
    return verdicts
  }

  private async hitShared(policy: LimitPolicy, subject: string): Promise<Verdict> {
    try {
      return await this.shared.hit(policy, subject)
    } catch (error) {
      if (policy.onFailure === 'closed')
        throw new AppError('InternalServerError', 'the limits of this service cannot be checked now', {
          status: 503,
          cause: error,
        })
      this.alarm(policy)
      const [verdict] = this.local.hitAll([{ policy, subject }])
      if (verdict === undefined) throw error
      return verdict
    }
  }

  private alarm(policy: LimitPolicy): void {
    this.fallbacks++
    const now = this.options.now().getTime()
    if (now - this.alarmedAt < alarmEveryMs) return
    this.alarmedAt = now
    this.options.log({
      type: 'system',
      status: 'error',
      name: 'limits',
      error: 'the database does not answer: limits are counted in this process alone',
      detail: { policy: policy.name, fallbacks: this.fallbacks },
    })
  }
}
