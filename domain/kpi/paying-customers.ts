import { isPositive } from '../money.ts'
import type { CustomerBalance } from './customer-balance.ts'

/** `paying_customers`: customers (user ids) whose MRR over all their subscriptions is above 0 as of T. */
export function countPayingCustomers(balances: readonly CustomerBalance[]): number {
  return balances.filter((balance) => isPositive(balance.asOf)).length
}

/** `opening_paying_customers`: the same as of `window_from`; the base of `churn_rate`. */
export function countOpeningCustomers(balances: readonly CustomerBalance[]): number {
  return balances.filter((balance) => isPositive(balance.windowFrom)).length
}
