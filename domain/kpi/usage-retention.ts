import { type Instant, monthName } from '../instant.ts'
import { monthEnds, percentNumber } from './cohort-retention.ts'

export interface UsageRow {
  /** `YYYY-MM`: the month in which they were first active. */
  readonly cohort: string
  readonly size: number
  /** Percent of the cohort active at least once in month cohort + k. */
  readonly customers_pct: readonly number[]
}

/**
 * `usage_retention`: the table of `cohort_retention` over activity: by the month in which people were first active, how
 * many of them are active at least once in each month since. Zero case: `[]`.
 *
 * @param usersByMonth the people active in each month, keyed by the first of the month; nothing from `asOf` on
 * @see spec KPIs 5.3
 */
export function computeUsageRetention(usersByMonth: ReadonlyMap<Instant, Iterable<string>>, asOf: Instant): UsageRow[] {
  const cohortOf = new Map<string, Instant>()
  const cohorts = new Map<Instant, { size: number; active: Map<Instant, number> }>()
  for (const [month, users] of [...usersByMonth.entries()].sort(([a], [b]) => a - b)) {
    for (const user of users) {
      const first = cohortOf.get(user)
      if (first === undefined) cohortOf.set(user, month)
      const cohort = cohorts.get(first ?? month) ?? { size: 0, active: new Map<Instant, number>() }
      cohorts.set(first ?? month, cohort)
      if (first === undefined) cohort.size += 1
      cohort.active.set(month, (cohort.active.get(month) ?? 0) + 1)
    }
  }
  return [...cohorts.entries()]
    .sort(([a], [b]) => a - b)
    .map(([first, { size, active }]) => {
      const ends = monthEnds(first, asOf)
      return {
        cohort: monthName(first),
        size,
        customers_pct: ends.map((_end, k) =>
          percentNumber(active.get(k === 0 ? first : (ends[k - 1] ?? 0)) ?? 0, size),
        ),
      }
    })
}
