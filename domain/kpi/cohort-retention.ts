import { fraction, roundToHundredths } from '../exact/fraction.ts'
import { type Instant, monthName, startOfMonthAfter } from '../instant.ts'
import { addMoney, isPositive, type Money, moneyFraction, zeroMoney } from '../money.ts'
import { type CustomerSegment, mrrAtClosing } from './customer-segments.ts'
import { percentage } from './ratio.ts'

export interface CohortRow {
  /** `YYYY-MM`. */
  readonly cohort: string
  readonly size: number
  /** Money: the MRR of the cohort's customers, each at the closing that first shows it. */
  readonly initial_mrr: number
  /** Percent of the cohort's customers who pay at the closing of month cohort + k. */
  readonly customers_pct: readonly number[]
  /** Percent of `initial_mrr` that they pay then; may exceed 100. */
  readonly mrr_pct: readonly (number | null)[]
}

interface Cohort {
  size: number
  initial: Money
  readonly customers: number[]
  readonly mrr: Money[]
}

/** The closings of the months from `cohort` on that have ended by `asOf`. */
export function monthEnds(cohort: Instant, asOf: Instant): Instant[] {
  const ends: Instant[] = []
  for (let k = 1; ; k++) {
    const end = startOfMonthAfter(cohort, k)
    if (end > asOf) return ends
    ends.push(end)
  }
}

/**
 * `cohort_retention`: by the month in which customers first paid, how many of them pay, and how much, at the close of
 * each month since. Point in time: a customer away in February and back in March counts in March. Months still running
 * have no column; months without a new customer have no row; rows ascend. Zero case: `[]`.
 *
 * @param segmentsByCustomer all segments of each customer, at midnights
 * @see spec KPIs 5.3; Stripe, "Subscriber cohorts and cohort retention"
 */
export function computeCohortRetention(
  segmentsByCustomer: Iterable<readonly CustomerSegment[]>,
  asOf: Instant,
): CohortRow[] {
  const cohorts = new Map<Instant, Cohort>()
  for (const segments of segmentsByCustomer) {
    const first = segments[0]
    if (first === undefined || first.from > asOf) continue
    const cohort = cohorts.get(first.cohort) ?? { size: 0, initial: zeroMoney, customers: [], mrr: [] }
    cohorts.set(first.cohort, cohort)
    cohort.size += 1
    cohort.initial = addMoney(cohort.initial, first.mrr)
    for (const [k, end] of monthEnds(first.cohort, asOf).entries()) {
      const mrr = mrrAtClosing(segments, end)
      cohort.customers[k] = (cohort.customers[k] ?? 0) + (isPositive(mrr) ? 1 : 0)
      cohort.mrr[k] = addMoney(cohort.mrr[k] ?? zeroMoney, mrr)
    }
  }
  return [...cohorts.entries()]
    .sort(([a], [b]) => a - b)
    .map(([month, { size, initial, customers, mrr }]) => ({
      cohort: monthName(month),
      size,
      initial_mrr: roundToHundredths(moneyFraction(initial)),
      customers_pct: customers.map((count) => percentNumber(count, size)),
      mrr_pct: mrr.map((amount) => {
        const share = percentage(moneyFraction(amount), moneyFraction(initial))
        return share === null ? null : roundToHundredths(share)
      }),
    }))
}

export function percentNumber(part: number, whole: number): number {
  const share = percentage(fraction(part), fraction(whole))
  return share === null ? 0 : roundToHundredths(share)
}
