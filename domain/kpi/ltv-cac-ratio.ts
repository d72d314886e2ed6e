import type { Fraction } from '../exact/fraction.ts'
import { ratio } from './ratio.ts'

/**
 * `ltv_cac_ratio`: `ltv` over `cac`, both unrounded. Unit: plain number. Zero case: null when either is null or `cac` 0.
 *
 * @see spec KPIs 5.2
 */
export function computeLtvCacRatio(ltv: Fraction | null, cac: Fraction | null): Fraction | null {
  return ratio(ltv, cac)
}
