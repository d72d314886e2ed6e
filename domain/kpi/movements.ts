import { addMoney, type Money, subtractMoney, zeroMoney } from '../money.ts'
import type { CustomerSegment, Movement } from './customer-segments.ts'

/** What moved in the window: magnitudes, all positive, and how many customers moved that way (once per day each). */
export interface Movements {
  readonly new: Money
  readonly expansion: Money
  readonly reactivation: Money
  readonly contraction: Money
  readonly churned: Money
  /** Customers with a `new` movement: each customer at most once, ever. */
  readonly newCustomers: number
  readonly reactivatedCustomers: number
}

export const noMovements: Movements = {
  new: zeroMoney,
  expansion: zeroMoney,
  reactivation: zeroMoney,
  contraction: zeroMoney,
  churned: zeroMoney,
  newCustomers: 0,
  reactivatedCustomers: 0,
}

/** The sums that movements add up to, by kind. */
type Sums = { -readonly [key in keyof Movements]: Movements[key] }

/**
 * `new_mrr`, `expansion_mrr`, `reactivation_mrr`, `contraction_mrr`, `churned_mrr`.
 *
 * Classified per customer and UTC day by comparing closings: 0 -> x is new, or reactivation when an earlier closing was
 * positive; x -> y is expansion or contraction; x -> 0 is churned. A month's movements are the sum of its days.
 * Unit: money, magnitudes. Zero case: 0.
 *
 * @param segments those whose `from` lies in `(window_from, T]`: a change inside `[window_from, T)` first shows there
 * @see spec KPIs 5.1; ChartMogul, Stripe and ProfitWell use the same five kinds per customer
 */
export function computeMovements(segments: Iterable<CustomerSegment>): Movements {
  const sums: Sums = { ...noMovements }
  for (const { movement, mrr, previous } of segments) {
    if (movement === 'none') continue
    const grew = movement === 'new' || movement === 'expansion' || movement === 'reactivation'
    const size = grew ? subtractMoney(mrr, previous) : subtractMoney(previous, mrr)
    sums[movement as Exclude<Movement, 'none'>] = addMoney(sums[movement], size)
    if (movement === 'new') sums.newCustomers += 1
    if (movement === 'reactivation') sums.reactivatedCustomers += 1
  }
  return sums
}

/**
 * `net_new_mrr` = new + expansion + reactivation - contraction - churned, so that
 * `mrr(T) = mrr(window_from) + net_new_mrr`. Unit: money, may be negative. Zero case: 0.
 *
 * @see spec KPIs 5.1
 */
export function computeNetNewMrr(movements: Movements): Money {
  return subtractMoney(gained(movements), lost(movements))
}

export function gained(movements: Movements): Money {
  return addMoney(addMoney(movements.new, movements.expansion), movements.reactivation)
}

export function lost(movements: Movements): Money {
  return addMoney(movements.churned, movements.contraction)
}
