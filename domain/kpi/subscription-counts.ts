import type { Instant } from '../instant.ts'
import { isPositive } from '../money.ts'
import { isCurrent, type SubscriptionSegment } from './subscription-segments.ts'

export interface SubscriptionCounts {
  /** `active_subscriptions`: subscriptions that contribute MRR as of T: active and past_due, paid plan, MRR > 0. */
  readonly active: number
  /** `past_due_subscriptions`: those of them whose payment is overdue. */
  readonly pastDue: number
  /** `trialing_subscriptions`: subscriptions inside a trial as of T. */
  readonly trialing: number
}

/**
 * Counts subscriptions by their state as of T. Unit: counts. Zero case: 0.
 *
 * @param segments those current as of T, or more
 * @see spec KPIs 3.3 and 4
 */
export function countSubscriptions(segments: Iterable<SubscriptionSegment>, asOf: Instant): SubscriptionCounts {
  let [active, pastDue, trialing] = [0, 0, 0]
  for (const segment of segments) {
    if (!isCurrent(segment, asOf)) continue
    if (isPositive(segment.value)) {
      active += 1
      if (segment.status === 'past_due') pastDue += 1
    } else if (segment.status === 'trialing') trialing += 1
  }
  return { active, pastDue, trialing }
}
