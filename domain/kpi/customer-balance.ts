import type { Money } from '../money.ts'

/** What one customer pays a month, as of the instants that a snapshot compares. */
export interface CustomerBalance {
  readonly customer: string
  /** As of T. */
  readonly asOf: Money
  /** As of `window_from`. */
  readonly windowFrom: Money
  /** As of T - 30 d. */
  readonly days30Ago: Money
  /** As of T - 12 calendar months. */
  readonly months12Ago: Money
}
