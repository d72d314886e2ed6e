import {
  addFractions,
  type Fraction,
  fraction,
  fractionFromDecimal,
  multiplyFractions,
  zeroFraction,
} from '../exact/fraction.ts'
import type { Instant } from '../instant.ts'
import { absurdAmount } from '../money.ts'
import type { KpiConfig } from './config.ts'
import { conversionRate } from './conversion.ts'
import { ratio } from './ratio.ts'
import type { Decimal } from './subscription-row.ts'

/** One `marketing_spend` document: an amount spent evenly over `[periodStart, periodEnd)`. */
export interface SpendRow {
  readonly periodStart: Instant | null
  readonly periodEnd: Instant | null
  readonly amount: Decimal | 'invalid' | null
  readonly currency: string | null
  readonly fxRate: Decimal | null
}

export interface Spend {
  /** Major units; null when no document overlaps the window: unknown, not 0. */
  readonly total: Fraction | null
  readonly unconverted: number
  readonly invalidAmounts: number
  readonly invalidDates: number
}

/**
 * Sums the spend of a window, each document prorated by the time it overlaps it. A document in another currency without
 * a rate, with a negative or absurd amount or with a broken period is left out and counted.
 *
 * @see spec KPIs 4 and 2.2
 */
export function sumSpend(rows: readonly SpendRow[], from: Instant, to: Instant, config: KpiConfig): Spend {
  // Documents of one period share their denominator: adding them first keeps the digits few.
  const byShare = new Map<string, { share: Fraction; sum: Fraction }>()
  let unconverted = 0
  let invalidAmounts = 0
  let invalidDates = 0
  for (const row of rows) {
    if (row.periodStart === null || row.periodEnd === null || row.periodEnd <= row.periodStart) {
      invalidDates += 1
      continue
    }
    const overlap = Math.min(row.periodEnd, to) - Math.max(row.periodStart, from)
    if (overlap <= 0) continue
    const amount = row.amount === null || row.amount === 'invalid' ? null : fractionFromDecimal(row.amount)
    if (amount === null || amount.numerator.negative || Number(row.amount) > absurdAmount) {
      invalidAmounts += 1
      continue
    }
    const stored = conversionRate(row.currency, row.fxRate, config)
    const rate = stored === null ? null : fractionFromDecimal(stored)
    if (rate === null) {
      unconverted += 1
      continue
    }
    const length = row.periodEnd - row.periodStart
    const key = `${overlap}/${length}`
    const entry = byShare.get(key) ?? { share: fraction(overlap, length), sum: zeroFraction }
    byShare.set(key, { share: entry.share, sum: addFractions(entry.sum, multiplyFractions(amount, rate)) })
  }
  let total: Fraction | null = null
  for (const { share, sum } of byShare.values())
    total = addFractions(total ?? zeroFraction, multiplyFractions(share, sum))
  return { total, unconverted, invalidAmounts, invalidDates }
}

/**
 * `cac`: spend in the window (all channels, sales and marketing) over the new customers of the window.
 * Unit: money. Zero case: null when no spend document overlaps the window (unknown) or there is no new customer; 0 when
 * the documents sum to 0.
 *
 * @see spec KPIs 4; a16z, "16 Startup Metrics": blended CAC
 */
export function computeCac(spend: Fraction | null, newCustomers: number): Fraction | null {
  return ratio(spend, fraction(newCustomers))
}
