import type { Document } from 'bson'
import type { LogRow, SubscriptionDocument, SubscriptionState } from '../../domain/kpi/subscription-row.ts'
import { isBrokenDate, keyOf, toCurrency, toDecimal, toInstant, toNumber, toPlan, toText } from './values.ts'

export const logProjection = {
  _id: 1,
  subscription_id: 1,
  user_id: 1,
  effective_at: 1,
  recorded_at: 1,
  seq: 1,
  status: 1,
  plan: 1,
  billing_cycle: 1,
  mrr: 1,
  amount: 1,
  currency: 1,
  fx_rate: 1,
  end_date: 1,
  provider_event_id: 1,
  history: 1,
}

export const documentProjection = {
  _id: 1,
  user_id: 1,
  status: 1,
  plan: 1,
  billing_cycle: 1,
  mrr: 1,
  amount: 1,
  currency: 1,
  fx_rate: 1,
  start_date: 1,
  end_date: 1,
  created_at: 1,
  updated_at: 1,
}

/** True when a date of the row is something else: the row is read without it, and must be counted. */
export function hasBrokenDate(document: Document): boolean {
  return isBrokenDate(document.end_date) || isBrokenDate(document.start_date)
}

/** A row of `subscription_events`; null when it says neither which subscription nor since when. */
export function toLogRow(document: Document): LogRow | null {
  const subscription = keyOf(document.subscription_id)
  const effectiveAt = toInstant(document.effective_at)
  if (subscription === null || effectiveAt === null) return null
  const seq = toNumber(document.seq)
  return {
    ...toState(document),
    subscription,
    customer: keyOf(document.user_id),
    effectiveAt,
    recordedAt: toInstant(document.recorded_at),
    seq: Number.isNaN(seq) ? 0 : seq,
    providerEventId: document.provider_event_id === '' ? null : keyOf(document.provider_event_id),
    assumed: document.history === 'assumed',
  }
}

/** A document of `subscriptions`, for those without a change log. */
export function toSubscriptionDocument(document: Document): SubscriptionDocument {
  return {
    ...toState(document),
    subscription: keyOf(document._id) ?? '',
    customer: keyOf(document.user_id),
    startDate: toInstant(document.start_date),
    createdAt: toInstant(document.created_at),
    updatedAt: toInstant(document.updated_at),
  }
}

function toState(document: Document): SubscriptionState {
  const rate = toDecimal(document.fx_rate)
  const status = toText(document.status)
  return {
    // Stripe, and with it much imported history, spells it with one l.
    status: status === 'canceled' ? 'cancelled' : status,
    plan: toPlan(document.plan),
    billingCycle: toText(document.billing_cycle),
    amount: toDecimal(document.amount),
    mrr: toDecimal(document.mrr),
    currency: toCurrency(document.currency),
    fxRate: rate === 'invalid' ? null : rate,
    endDate: toInstant(document.end_date),
  }
}
