import { type Fraction, fraction, fractionFromDecimal, multiplyFractions } from '../exact/fraction.ts'
import { type Money, moneyFraction } from '../money.ts'
import { ratio } from './ratio.ts'

/**
 * `cac_payback_months`: `cac` over (ARPU of the new customers * gross margin), where their ARPU is `new_mrr` over
 * `new_customers`. Unit: months. Zero case: null when `cac` is null or nothing is earned back.
 *
 * @see spec KPIs 5.2
 */
export function computeCacPaybackMonths(
  cac: Fraction | null,
  newMrr: Money,
  newCustomers: number,
  grossMargin: number,
): Fraction | null {
  const arpu = ratio(moneyFraction(newMrr), fraction(newCustomers))
  const margin = fractionFromDecimal(grossMargin)
  if (arpu === null || margin === null) return null
  return ratio(cac, multiplyFractions(arpu, margin))
}
