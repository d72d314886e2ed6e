import { type Fraction, fraction, fractionFromDecimal, multiplyFractions } from '../exact/fraction.ts'
import { ratio } from './ratio.ts'

/**
 * `ltv`: `arpu * gross_margin / (churn_rate / 100)`, with the rate of the window read as a monthly rate.
 * Unit: money. Zero case: null when `arpu` or `churn_rate` is null or the rate is 0.
 *
 * @see spec KPIs 4; Stripe, ChartMogul and Baremetrics: ARPU over customer churn
 */
export function computeLtv(arpu: Fraction | null, churnRate: Fraction | null, grossMargin: number): Fraction | null {
  const margin = fractionFromDecimal(grossMargin)
  if (arpu === null || churnRate === null || margin === null) return null
  return ratio(multiplyFractions(multiplyFractions(arpu, margin), fraction(100)), churnRate)
}
