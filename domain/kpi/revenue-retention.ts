import type { Fraction } from '../exact/fraction.ts'
import { addMoney, isPositive, type Money, minMoney, moneyFraction, zeroMoney } from '../money.ts'
import type { CustomerBalance } from './customer-balance.ts'
import { percentage } from './ratio.ts'

/** A fixed cohort: the customers who paid at the opening, and what they pay as of T. */
export interface RetentionSums {
  readonly opening: Money
  /** Their MRR as of T. */
  readonly closing: Money
  /** The same, each at most what that customer paid at the opening. */
  readonly capped: Money
}

export function sumRetention(
  balances: readonly CustomerBalance[],
  openingOf: (balance: CustomerBalance) => Money,
): RetentionSums {
  let [opening, closing, capped] = [zeroMoney, zeroMoney, zeroMoney]
  for (const balance of balances) {
    const before = openingOf(balance)
    if (!isPositive(before)) continue
    opening = addMoney(opening, before)
    closing = addMoney(closing, balance.asOf)
    capped = addMoney(capped, minMoney(before, balance.asOf))
  }
  return { opening, closing, capped }
}

/**
 * `nrr_30d`, `nrr_12m`: MRR at T of the customers who paid at the opening (T - 30 d; T - 12 months) over their MRR then;
 * new customers and those who did not pay at the opening are outside.
 * Unit: percent. Zero case: null when the opening is 0.
 *
 * @see spec KPIs 5.2; SaaS Metrics Standards Board
 */
export function computeNrr(sums: RetentionSums): Fraction | null {
  return percentage(moneyFraction(sums.closing), moneyFraction(sums.opening))
}

/**
 * `grr_30d`, `grr_12m`: as NRR, with each customer counted at most at their opening MRR.
 * Unit: percent, 0..100. Zero case: null when the opening is 0.
 *
 * @see spec KPIs 5.2; SaaS Metrics Standards Board
 */
export function computeGrr(sums: RetentionSums): Fraction | null {
  return percentage(moneyFraction(sums.capped), moneyFraction(sums.opening))
}
