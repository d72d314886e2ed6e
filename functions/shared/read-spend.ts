import type { Instant } from '../../domain/instant.ts'
import type { SpendRow } from '../../domain/kpi/cac.ts'
import type { Context } from '../../runtime/context.ts'
import { rawCollectionOf, readAll } from './database.ts'
import { toCurrency, toDecimal, toInstant } from './values.ts'

/** The spend documents that overlap `[from, to)`. */
export async function readSpend(context: Context, from: Instant, to: Instant): Promise<SpendRow[]> {
  const documents = await readAll(
    rawCollectionOf(context, 'marketing_spend'),
    { period_end: { $gt: new Date(from) }, period_start: { $lt: new Date(to) } },
    { _id: 1, period_start: 1, period_end: 1, amount: 1, currency: 1, fx_rate: 1 },
  )
  return documents.map((document) => {
    const rate = toDecimal(document.fx_rate)
    return {
      periodStart: toInstant(document.period_start),
      periodEnd: toInstant(document.period_end),
      amount: toDecimal(document.amount),
      currency: toCurrency(document.currency),
      fxRate: rate === 'invalid' ? null : rate,
    }
  })
}
