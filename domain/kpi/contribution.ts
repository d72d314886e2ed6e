import { absurdAmount, isPositive, type Money, monthlyMoney, zeroMoney } from '../money.ts'
import type { KpiConfig } from './config.ts'
import { conversionRate } from './conversion.ts'
import type { SubscriptionState } from './subscription-row.ts'

export type StateIssue =
  | 'unconverted'
  | 'negative_mrr'
  | 'free_plan_with_mrr'
  | 'invalid_amounts'
  | 'absurd_amounts'
  | 'unknown_statuses'
  | 'unknown_plans'

export interface Contribution {
  /** Monthly value in the reporting currency; zero unless it counts as MRR. */
  readonly value: Money
  readonly issue: StateIssue | null
}

const nothing: Contribution = { value: zeroMoney, issue: null }

const statuses: ReadonlySet<string | null> = new Set(['active', 'past_due', 'trialing', 'cancelled'])

/**
 * What a state contributes to MRR while it is current: active and past_due on a paid plan count, everything else is 0
 * (spec: KPIs 3.3), a status of another name and a plan that is no text too; a price without any plan says paid. `amount / 12` when the billing cycle is yearly, `amount` when monthly, else the stored `mrr`;
 * another currency is converted with the row's own rate, and left out without one.
 */
export function contributionOf(state: SubscriptionState, config: KpiConfig): Contribution {
  const cycle = state.billingCycle?.toLowerCase()
  const priced = state.amount !== null && (cycle === 'yearly' || cycle === 'monthly')
  const price = priced ? state.amount : state.mrr
  const free = typeof state.plan === 'string' && state.plan.toLowerCase() === 'free'
  const paid = (state.status === 'active' || state.status === 'past_due') && !free
  if (!statuses.has(state.status)) return { value: zeroMoney, issue: 'unknown_statuses' }
  if (paid && state.plan === false) return { value: zeroMoney, issue: 'unknown_plans' }
  // A price of 0 is one; a paid plan whose price nobody wrote is a mistake.
  if (price === null) return paid ? { value: zeroMoney, issue: 'invalid_amounts' } : nothing
  if (price === 'invalid') return { value: zeroMoney, issue: 'invalid_amounts' }
  const size = Number(price)
  if (!Number.isFinite(size)) return { value: zeroMoney, issue: 'invalid_amounts' }
  if (size < 0) return { value: zeroMoney, issue: 'negative_mrr' }
  if (size === 0) return nothing
  if (free) return { value: zeroMoney, issue: 'free_plan_with_mrr' }
  if (!paid) return nothing
  const rate = conversionRate(state.currency, state.fxRate, config)
  if (rate === null) return { value: zeroMoney, issue: 'unconverted' }
  if (size * Number(rate) > absurdAmount) return { value: zeroMoney, issue: 'absurd_amounts' }
  const value = monthlyMoney(price, priced && cycle === 'yearly', rate)
  if (value === null) return { value: zeroMoney, issue: 'invalid_amounts' }
  if (!isPositive(value)) return nothing
  return { value, issue: state.plan === null ? 'unknown_plans' : null }
}
