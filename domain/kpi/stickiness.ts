import { type Fraction, fraction } from '../exact/fraction.ts'
import { percentage } from './ratio.ts'

/**
 * `stickiness`: 100 * `dau` / `mau`, both at T. Unit: percent. Zero case: null when `mau` is 0.
 *
 * @see spec KPIs 5.2
 */
export function computeStickiness(dau: number, mau: number): Fraction | null {
  return percentage(fraction(dau), fraction(mau))
}

/**
 * `stickiness_avg`: the mean of the 30 `dau` values ending at T, over `mau`; free of the weekday's effect.
 * Unit: percent. Zero case: null when `mau` is 0.
 *
 * @param userDays sum of the 30 daily numbers
 * @see spec KPIs 5.2
 */
export function computeStickinessAverage(userDays: number, mau: number): Fraction | null {
  return percentage(fraction(userDays, 30), fraction(mau))
}
