import type { SubscriptionSegment } from '../../domain/kpi/subscription-segments.ts'

type IssueCounts = Record<NonNullable<SubscriptionSegment['issue']>, number>

/** Issues of the states that are current. */
export function countIssues(living: Iterable<SubscriptionSegment>): IssueCounts {
  const counts: IssueCounts = {
    unconverted: 0,
    negative_mrr: 0,
    free_plan_with_mrr: 0,
    invalid_amounts: 0,
    absurd_amounts: 0,
    unknown_statuses: 0,
    unknown_plans: 0,
  }
  for (const { issue } of living) if (issue !== null) counts[issue] += 1
  return counts
}
