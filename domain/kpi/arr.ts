import { type Fraction, fraction, multiplyFractions } from '../exact/fraction.ts'
import { type Money, moneyFraction } from '../money.ts'

/**
 * `arr`: 12 times the unrounded `mrr`, so that a yearly plan of 2,000 is 2,000; a stored `arr` is never read.
 * Unit: money. Zero case: 0.
 *
 * @see spec KPIs 4
 */
export function computeArr(mrr: Money): Fraction {
  return multiplyFractions(moneyFraction(mrr), fraction(12))
}
