import type { Fraction } from '../exact/fraction.ts'
import { moneyFraction } from '../money.ts'
import { gained, lost, type Movements } from './movements.ts'
import { ratio } from './ratio.ts'

/**
 * `quick_ratio`: (new + expansion + reactivation) over (churned + contraction).
 * Unit: plain number. Zero case: null without losses.
 *
 * @see spec KPIs 5.2; Mamoon Hamid's quick ratio, with all gained MRR in the numerator
 */
export function computeQuickRatio(movements: Movements): Fraction | null {
  return ratio(moneyFraction(gained(movements)), moneyFraction(lost(movements)))
}
