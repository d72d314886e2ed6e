import type { LimitPolicy } from '../../schemas/edge-settings.ts'
import { toVerdict, type Verdict } from './verdict.ts'

interface Log {
  /** Times, oldest first; those before `start` have left the window. */
  times: number[]
  start: number
}

/** Subjects whose hits are kept; the one that was quiet longest is forgotten first. */
const maxTracked = 10_000

/** A sliding log in memory: never more than the limit in any window, in this process. Rejected hits are not kept. */
export class LocalLimiter {
  private readonly logs = new Map<string, Log>()
  private readonly now: () => Date

  constructor(now: () => Date) {
    this.now = now
  }

  /** Counts a hit against all policies, or against none when one refuses. */
  hitAll(hits: readonly { policy: LimitPolicy; subject: string }[]): Verdict[] {
    const now = this.now().getTime()
    const logs = hits.map(({ policy, subject }) => this.open(policy, subject, now))
    const allowed = hits.every(({ policy }, i) => countOf(logs[i]) < policy.limit)
    return hits.map(({ policy }, i) => {
      const log = logs[i] ?? { times: [], start: 0 }
      const fits = countOf(log) < policy.limit
      if (allowed) log.times.push(now)
      return toVerdict(policy, fits, countOf(log), log.times[log.start] ?? now, now)
    })
  }

  /** Takes back the last hit of each, for a request that another limiter has refused. */
  takeBack(hits: readonly { policy: LimitPolicy; subject: string }[]): void {
    for (const { policy, subject } of hits) {
      const log = this.logs.get(`${policy.name}\0${subject}`)
      if (log !== undefined && countOf(log) > 0) log.times.pop()
    }
  }

  private open(policy: LimitPolicy, subject: string, now: number): Log {
    const key = `${policy.name}\0${subject}`
    const log = this.logs.get(key) ?? { times: [], start: 0 }
    this.logs.delete(key)
    this.logs.set(key, log)
    const [quietest] = this.logs.keys()
    if (this.logs.size > maxTracked && quietest !== undefined) this.logs.delete(quietest)
    const opens = now - policy.windowSeconds * 1000
    while (log.start < log.times.length && (log.times[log.start] ?? now) <= opens) log.start++
    // Cut in large steps: a step at each hit would copy the whole log each time.
    if (log.start > 1024 && log.start > log.times.length / 2) {
      log.times = log.times.slice(log.start)
      log.start = 0
    }
    return log
  }
}

function countOf(log: Log | undefined): number {
  return log === undefined ? 0 : log.times.length - log.start
}
