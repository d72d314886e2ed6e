import { type Fraction, fraction } from '../exact/fraction.ts'
import type { Instant } from '../instant.ts'
import { percentage } from './ratio.ts'
import type { SubscriptionSegment } from './subscription-segments.ts'

export interface TrialCounts {
  /** `trials_ended`: trials that ended in the window, however they did. */
  readonly ended: number
  /** `trials_converted`: those that ended by becoming active with MRR > 0. */
  readonly converted: number
}

/** Counts the trials that ended in `[from, to)`; a trial prolonged by a further trialing row goes on. */
export function countTrials(segments: Iterable<SubscriptionSegment>, from: Instant, to: Instant): TrialCounts {
  let [ended, converted] = [0, 0]
  for (const { status, to: end, next } of segments) {
    if (status !== 'trialing' || end < from || end >= to || next?.status === 'trialing') continue
    ended += 1
    if (next?.status === 'active' && next.paying) converted += 1
  }
  return { ended, converted }
}

/**
 * `trial_conversion_rate`: trials that ended in the window by becoming active with MRR > 0, over all trials that ended
 * in the window (cancellation, scheduled end, move to free and a failed first payment included). Running trials are
 * outside. Unit: percent. Zero case: null when no trial ended.
 *
 * @see spec KPIs 5.2; Stripe, "Calculating trial conversion rate in Billing"
 */
export function computeTrialConversionRate(trials: TrialCounts): Fraction | null {
  return percentage(fraction(trials.converted), fraction(trials.ended))
}
