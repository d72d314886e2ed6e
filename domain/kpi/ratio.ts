import { divideFractions, type Fraction, fraction, isZeroFraction, multiplyFractions } from '../exact/fraction.ts'

/** `part / whole`; null over 0 or over something unknown (spec: KPIs 1, zero denominators). */
export function ratio(part: Fraction | null, whole: Fraction | null): Fraction | null {
  if (part === null || whole === null || isZeroFraction(whole)) return null
  return divideFractions(part, whole)
}

/** `100 * part / whole`; null over 0 or over something unknown. */
export function percentage(part: Fraction | null, whole: Fraction | null): Fraction | null {
  const share = ratio(part, whole)
  return share === null ? null : multiplyFractions(share, fraction(100))
}
