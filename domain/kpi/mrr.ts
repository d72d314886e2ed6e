import { type Money, sumMoney } from '../money.ts'
import type { CustomerBalance } from './customer-balance.ts'

/**
 * `mrr`: the sum of the monthly value of every subscription that contributes as of T: active and past_due on a paid
 * plan, yearly prices over 12, without trials, free plans, taxes and one-off fees. Unit: money. Zero case: 0.
 *
 * @see spec KPIs 3.3 and 4; Stripe, "Billing metric definitions"
 */
export function computeMrr(balances: readonly CustomerBalance[]): Money {
  return sumMoney(balances.map((balance) => balance.asOf))
}
