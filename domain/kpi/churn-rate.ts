import { type Fraction, fraction } from '../exact/fraction.ts'
import { isPositive } from '../money.ts'
import type { CustomerBalance } from './customer-balance.ts'
import { percentage } from './ratio.ts'

/** `churned_customers`: customers who paid at `window_from` and do not pay as of T. */
export function countChurnedCustomers(balances: readonly CustomerBalance[]): number {
  return balances.filter((balance) => isPositive(balance.windowFrom) && !isPositive(balance.asOf)).length
}

/**
 * `churn_rate`: customers who paid at `window_from` and do not pay as of T, over the customers who paid at
 * `window_from`. Who joined and left inside the window, or left and returned, is in neither.
 * Unit: percent, 0..100. Zero case: null when nobody paid at the start.
 *
 * @see spec KPIs 4; ChartMogul, "Churn rate formulas", standard
 */
export function computeChurnRate(churnedCustomers: number, openingCustomers: number): Fraction | null {
  return percentage(fraction(churnedCustomers), fraction(openingCustomers))
}
