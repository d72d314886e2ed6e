import { type Fraction, roundToHundredths } from '../domain/exact/fraction.ts'
import { dayMs, dayName, type Instant, isMidnight, monthName } from '../domain/instant.ts'
import { mrrAtClosing } from '../domain/kpi/customer-segments.ts'
import { computeMovements, computeNetNewMrr, type Movements } from '../domain/kpi/movements.ts'
import { type Money, moneyFraction, sumMoney } from '../domain/money.ts'
import type { Context } from '../runtime/context.ts'
import { InvalidArgument, requireInstant } from './shared/arguments.ts'
import { collectionOf, readAll } from './shared/database.ts'
import { checkedPeriod } from './shared/period.ts'
import { readConfig } from './shared/read-config.ts'
import { byCustomer } from './shared/read-segments.ts'
import { readTestUsers } from './shared/read-users.ts'
import { customerSegmentProjection, toCustomerSegment } from './shared/segment-documents.ts'
import { refreshSegments } from './shared/segment-store.ts'

export interface MovementNumbers {
  readonly new_mrr: number
  readonly expansion_mrr: number
  readonly reactivation_mrr: number
  readonly contraction_mrr: number
  readonly churned_mrr: number
  readonly net_new_mrr: number
  readonly new_customers: number
  readonly reactivated_customers: number
}

export interface MovementsAnswer {
  readonly from: Date
  readonly to: Date
  readonly interval: 'day' | 'month'
  /** MRR as of `from` and as of `to`: opening + total.net_new_mrr = closing. */
  readonly opening_mrr: number
  readonly closing_mrr: number
  readonly total: MovementNumbers
  /** Ascending; `period` is `YYYY-MM-DD` or `YYYY-MM`. Periods without a movement are there, with zeros. */
  readonly rows: readonly ({ readonly period: string } & MovementNumbers)[]
}

/**
 * Lists the MRR movements of `[from, to)`, by day or month, between the closings they explain.
 *
 * @throws {Error} `InvalidArgument: ...` when a date is none or no midnight, or the interval another word
 */
export default async function computeKpiMovements(
  context: Context,
  from: unknown,
  to: unknown,
  interval: unknown = 'day',
): Promise<MovementsAnswer> {
  const period = checkedPeriod(requireInstant(from, 'from'), requireInstant(to, 'to'), 3_660)
  if (!isMidnight(period.from) || !isMidnight(period.to)) throw new InvalidArgument('from and to must be days')
  if (interval !== 'day' && interval !== 'month') throw new InvalidArgument('interval must be day or month')
  const { config } = await readConfig(context)
  await refreshSegments(context, config, new Date())
  const testUsers = await readTestUsers(context)
  const documents = await readAll(
    collectionOf(context, 'customer_mrr_segments'),
    { to: { $gt: new Date(period.from) }, from: { $lte: new Date(period.to) } },
    customerSegmentProjection,
  )
  const segments = documents.map(toCustomerSegment).filter((segment) => !testUsers.keys.has(segment.customer))
  const customers = [...byCustomer(segments).values()]
  const mrrAt = (closing: Instant): Money => sumMoney(customers.map((own) => mrrAtClosing(own, closing)))
  const moved = segments.filter((segment) => segment.from > period.from && segment.from <= period.to)

  const nameOf = (day: Instant): string => (interval === 'day' ? dayName(day) : monthName(day))
  const rows = new Map<string, typeof moved>()
  for (let day = period.from; day < period.to; day += dayMs) if (!rows.has(nameOf(day))) rows.set(nameOf(day), [])
  // A movement of a day first shows at the midnight that closes it.
  for (const segment of moved) rows.get(nameOf(segment.from - dayMs))?.push(segment)
  return {
    from: new Date(period.from),
    to: new Date(period.to),
    interval,
    opening_mrr: rounded(moneyFraction(mrrAt(period.from))),
    closing_mrr: rounded(moneyFraction(mrrAt(period.to))),
    total: toNumbers(computeMovements(moved)),
    rows: [...rows].map(([name, own]) => ({ period: name, ...toNumbers(computeMovements(own)) })),
  }
}

const rounded = (value: Fraction): number => roundToHundredths(value)

function toNumbers(movements: Movements): MovementNumbers {
  return {
    new_mrr: rounded(moneyFraction(movements.new)),
    expansion_mrr: rounded(moneyFraction(movements.expansion)),
    reactivation_mrr: rounded(moneyFraction(movements.reactivation)),
    contraction_mrr: rounded(moneyFraction(movements.contraction)),
    churned_mrr: rounded(moneyFraction(movements.churned)),
    net_new_mrr: rounded(moneyFraction(computeNetNewMrr(movements))),
    new_customers: movements.newCustomers,
    reactivated_customers: movements.reactivatedCustomers,
  }
}
