import type { KpiConfig } from './config.ts'
import type { Decimal } from './subscription-row.ts'

/**
 * The rate that turns an amount into the reporting currency: 1 when it is in it already or names no currency, else the
 * rate stored in its own row (spec: KPIs 1). Null when there is no positive rate, or the code is none of ISO 4217's form:
 * such an amount cannot be converted, whatever rate stands beside it.
 */
export function conversionRate(currency: string | null, fxRate: Decimal | null, config: KpiConfig): Decimal | null {
  if (currency === null || currency.toUpperCase() === config.reportingCurrency) return 1
  if (!/^[A-Za-z]{3}$/.test(currency) || fxRate === null) return null
  const size = Number(fxRate)
  return size > 0 && Number.isFinite(size) ? fxRate : null
}
