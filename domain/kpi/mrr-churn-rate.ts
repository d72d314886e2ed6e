import type { Fraction } from '../exact/fraction.ts'
import { type Money, moneyFraction, subtractMoney } from '../money.ts'
import { gained, lost, type Movements } from './movements.ts'
import { percentage } from './ratio.ts'

/**
 * `gross_mrr_churn_rate`: (churned + contraction) over `mrr(window_from)`; the movements of all customers.
 * Unit: percent. Zero case: null when the opening is 0.
 *
 * @see spec KPIs 5.2; ChartMogul, "Gross and Net MRR Churn Rate"
 */
export function computeGrossMrrChurnRate(movements: Movements, openingMrr: Money): Fraction | null {
  return percentage(moneyFraction(lost(movements)), moneyFraction(openingMrr))
}

/**
 * `net_mrr_churn_rate`: (churned + contraction - expansion - reactivation) over `mrr(window_from)`; negative is good.
 * Unit: percent. Zero case: null when the opening is 0.
 *
 * @see spec KPIs 5.2; ChartMogul, "Gross and Net MRR Churn Rate"
 */
export function computeNetMrrChurnRate(movements: Movements, openingMrr: Money): Fraction | null {
  const regained = subtractMoney(gained(movements), movements.new)
  return percentage(moneyFraction(subtractMoney(lost(movements), regained)), moneyFraction(openingMrr))
}
