import type { LimitPolicy } from '../../schemas/edge-settings.ts'

/** The outcome of one hit against one policy. */
export interface Verdict {
  readonly policy: LimitPolicy
  readonly allowed: boolean
  /** Hits left in the window, after this one. */
  readonly remaining: number
  /** Until the oldest counted hit leaves the window. */
  readonly resetMs: number
}

/** Times of hits that count, oldest first, seen at `now` (all in milliseconds since 1970). */
export function toVerdict(policy: LimitPolicy, allowed: boolean, count: number, oldest: number, now: number): Verdict {
  return {
    policy,
    allowed,
    remaining: Math.max(0, policy.limit - count),
    resetMs: count === 0 ? 0 : Math.max(0, oldest + policy.windowSeconds * 1000 - now),
  }
}
