import { AppError } from '../errors.ts'
import type { SharedLimiter } from '../limits/shared-limiter.ts'
import type { Verdict } from '../limits/verdict.ts'
import { type FailureSubject, failureSubjects } from './login-limits.ts'

const maxTracked = 10_000

/** The part of the shared limiter that logins use. */
export type SharedFailures = Pick<SharedLimiter, 'hit' | 'peek' | 'forget'>

interface Count {
  /** Of failures, in milliseconds since 1970, oldest first. */
  times: number[]
  /** Attempts whose outcome is not known yet. */
  pending: number
}

/**
 * Slows password guessing (`login-limits.ts`). Failures are counted in memory, so that a thousand guesses at once are
 * no more than the limit, and in the database, so that the count outlives the process and holds on every host.
 */
export class LoginLimiter {
  private readonly counts = new Map<string, Count>()
  private readonly now: () => Date
  private readonly shared: SharedFailures | undefined
  private settled = Promise.withResolvers<void>()

  /** @param shared absent: in this process alone */
  constructor(now: () => Date, shared?: SharedFailures) {
    this.now = now
    this.shared = shared
  }

  /**
   * Lets one attempt happen. Attempts that could be one failure too many wait until others are known to be right: a
   * client may log in many times at once.
   *
   * @param verify whether the password is right
   * @returns what `verify` found
   * @throws {AppError} `AuthError` (429) while an account or address has failed too often
   */
  async attempt(account: string, address: string, verify: () => Promise<boolean>): Promise<boolean> {
    const { known, pair, ...others } = failureSubjects(account, address)
    const counted = [pair, others.account, others.address].filter((subject) => subject !== undefined)
    const stored = await this.peek(known === undefined ? counted : [...counted, known])
    const isKnown = known !== undefined && stored.get(known)?.allowed === false
    const binding = isKnown ? counted.filter((subject) => subject !== others.account) : counted
    for (const subject of binding) {
      const verdict = stored.get(subject)
      if (verdict?.allowed === false) throw tooManyAttempts(verdict.resetMs)
    }
    const counts = await this.enter(counted, binding)
    const settle = (outcome: 'right' | 'wrong' | 'unknown') => {
      const at = this.now().getTime()
      for (const count of counts) {
        count.pending--
        if (outcome === 'wrong') count.times.push(at)
      }
      if (outcome === 'right') this.counts.delete(keyOf(pair))
      this.settled.resolve()
      this.settled = Promise.withResolvers<void>()
    }
    const isRight = await verify().catch((error: unknown) => {
      settle('unknown')
      throw error
    })
    settle(isRight ? 'right' : 'wrong')
    if (!isRight) await this.tell(counted.map(({ policy, subject }) => this.shared?.hit(policy, subject)))
    else {
      const hasFailed = (stored.get(pair)?.remaining ?? pair.policy.limit) < pair.policy.limit
      await this.tell([
        hasFailed ? this.shared?.forget(pair.policy, pair.subject) : undefined,
        known !== undefined && !isKnown ? this.shared?.hit(known.policy, known.subject) : undefined,
      ])
    }
    return isRight
  }

  /** Where subjects stand on all hosts. Without an answer the memory of this process decides. */
  private async peek(subjects: readonly FailureSubject[]): Promise<Map<FailureSubject, Verdict>> {
    const verdicts = (await this.shared?.peek(subjects).catch(() => [])) ?? []
    return new Map(verdicts.flatMap((verdict, i) => (subjects[i] === undefined ? [] : [[subjects[i], verdict]])))
  }

  /** The outcome of a login does not wait for a database that does not answer. */
  private async tell(writes: readonly (Promise<unknown> | undefined)[]): Promise<void> {
    await Promise.allSettled(writes)
  }

  /** @throws {AppError} status 429 */
  private async enter(counted: readonly FailureSubject[], binding: readonly FailureSubject[]): Promise<Count[]> {
    for (;;) {
      const isFull = binding.map((subject) => {
        const { policy } = subject
        const { times, pending } = this.open(subject)
        const [oldest = 0] = times
        if (times.length >= policy.limit)
          throw tooManyAttempts(oldest + policy.windowSeconds * 1000 - this.now().getTime())
        return times.length + pending >= policy.limit
      })
      if (isFull.includes(true)) await this.settled.promise
      else break
    }
    const counts = counted.map((subject) => this.open(subject))
    for (const count of counts) count.pending++
    return counts
  }

  private open(subject: FailureSubject): Count {
    const key = keyOf(subject)
    const count = this.counts.get(key) ?? { times: [], pending: 0 }
    const opens = this.now().getTime() - subject.policy.windowSeconds * 1000
    count.times = count.times.filter((at) => at > opens)
    // Moved to the end, so that the one that was quiet longest is forgotten when the table is full.
    this.counts.delete(key)
    this.counts.set(key, count)
    const [quietest] = this.counts.keys()
    if (this.counts.size > maxTracked && quietest !== undefined) this.counts.delete(quietest)
    return count
  }
}

function keyOf({ policy, subject }: FailureSubject): string {
  return `${policy.name}\0${subject}`
}

function tooManyAttempts(waitMs: number): AppError {
  return new AppError('AuthError', 'too many login attempts', {
    status: 429,
    retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
  })
}
