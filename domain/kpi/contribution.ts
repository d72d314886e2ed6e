import { absurdAmount, isPositive, type Money, monthlyMoney, zeroMoney } from '../money.ts'
import type { KpiConfig } from './config.ts'
import type { SubscriptionState } from './subscription-row.ts'

export type AmountIssue = 'unconverted' | 'negative_mrr' | 'free_plan_with_mrr' | 'invalid_amounts' | 'absurd_amounts'

export interface Contribution {
  /** Monthly value in the reporting currency; zero unless it counts as MRR. */
  readonly value: Money
  readonly issue: AmountIssue | null
}

const nothing: Contribution = { value: zeroMoney, issue: null }

/**
 * What a state contributes to MRR while it is current: active and past_due on a paid plan count, everything else is 0
 * (spec: KPIs 3.3). `amount / 12` when the billing cycle is yearly, `amount` when monthly, else the stored `mrr`;
 * another currency is converted with the row's own rate, and left out without one.
 */
export function contributionOf(state: SubscriptionState, config: KpiConfig): Contribution {
  const cycle = state.billingCycle?.toLowerCase()
  const priced = state.amount !== null && (cycle === 'yearly' || cycle === 'monthly')
  const price = priced ? state.amount : state.mrr
  if (price === null) return nothing
  if (price === 'invalid') return { value: zeroMoney, issue: 'invalid_amounts' }
  const foreign = state.currency !== null && state.currency.toUpperCase() !== config.reportingCurrency
  const rate = foreign ? state.fxRate : 1
  const unconverted = rate === null || !(Number(rate) > 0) || !Number.isFinite(Number(rate))
  const size = Number(price)
  if (!Number.isFinite(size)) return { value: zeroMoney, issue: 'invalid_amounts' }
  if (size < 0) return { value: zeroMoney, issue: 'negative_mrr' }
  if (size === 0) return nothing
  if (state.plan?.toLowerCase() === 'free') return { value: zeroMoney, issue: 'free_plan_with_mrr' }
  if (state.status !== 'active' && state.status !== 'past_due') return nothing
  if (unconverted) return { value: zeroMoney, issue: 'unconverted' }
  if (size * Number(rate) > absurdAmount) return { value: zeroMoney, issue: 'absurd_amounts' }
  const value = monthlyMoney(price, priced && cycle === 'yearly', rate)
  if (value === null) return { value: zeroMoney, issue: 'invalid_amounts' }
  return isPositive(value) ? { value, issue: null } : nothing
}
