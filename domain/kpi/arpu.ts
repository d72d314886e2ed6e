import { type Fraction, fraction } from '../exact/fraction.ts'
import { type Money, moneyFraction } from '../money.ts'
import { ratio } from './ratio.ts'

/**
 * `arpu`: `mrr` over the customers who pay as of T. Unit: money. Zero case: null without a paying customer.
 *
 * @see spec KPIs 4; ChartMogul ARPA, Baremetrics and Stripe divide by payers too
 */
export function computeArpu(mrr: Money, payingCustomers: number): Fraction | null {
  return ratio(moneyFraction(mrr), fraction(payingCustomers))
}

/**
 * `mrr_per_mau`: `mrr` over monthly active users, what some dashboards call ARPU. Unit: money. Zero case: null.
 *
 * @see spec KPIs 4 and 6
 */
export function computeMrrPerMau(mrr: Money, mau: number): Fraction | null {
  return ratio(moneyFraction(mrr), fraction(mau))
}
