import type { Document } from 'bson'
import type { CustomerSegment, Movement } from '../../domain/kpi/customer-segments.ts'
import type { SubscriptionSegment } from '../../domain/kpi/subscription-segments.ts'
import { type Money, moneyNumber } from '../../domain/money.ts'
import { keyOf, toInstant, toNumber } from './values.ts'

/**
 * How segments are stored. `mrr` is the nearest double, for people and charts; sums are made from `twelfths` (whole
 * twelfths of a minor unit) and `rest` (10^-10 of a twelfth), which are exact.
 */
function moneyFields(amount: Money, prefix: '' | 'prev_'): Document {
  return {
    [`${prefix}mrr`]: moneyNumber(amount),
    [`${prefix}twelfths`]: amount.twelfths,
    [`${prefix}rest`]: amount.rest,
  }
}

function toMoney(document: Document, prefix: '' | 'prev_'): Money {
  return { twelfths: toNumber(document[`${prefix}twelfths`]), rest: toNumber(document[`${prefix}rest`]) }
}

export function customerSegmentDocument(segment: CustomerSegment, ids: ReadonlyMap<string, unknown>): Document {
  const u = ids.get(segment.customer) ?? segment.customer
  const from = new Date(segment.from)
  return {
    _id: { u, from },
    u,
    from,
    to: new Date(segment.to),
    ...moneyFields(segment.mrr, ''),
    ...moneyFields(segment.previous, 'prev_'),
    movement: segment.movement,
    cohort: new Date(segment.cohort),
  }
}

export const customerSegmentProjection = {
  _id: 0,
  u: 1,
  from: 1,
  to: 1,
  twelfths: 1,
  rest: 1,
  prev_twelfths: 1,
  prev_rest: 1,
  movement: 1,
  cohort: 1,
}

export function toCustomerSegment(document: Document): CustomerSegment {
  return {
    customer: customerKey(document.u),
    from: toInstant(document.from) ?? 0,
    to: toInstant(document.to) ?? 0,
    mrr: toMoney(document, ''),
    previous: toMoney(document, 'prev_'),
    movement: document.movement as Movement,
    cohort: toInstant(document.cohort) ?? 0,
  }
}

/** Subscriptions without owner are stored under their made-up customer key. */
function customerKey(u: unknown): string {
  return typeof u === 'string' && u.startsWith('subscription:') ? u : (keyOf(u) ?? '')
}

/** @param index position among the segments of its subscription */
export function subscriptionSegmentDocument(
  segment: SubscriptionSegment,
  index: number,
  ids: ReadonlyMap<string, unknown>,
): Document {
  const s = ids.get(segment.subscription) ?? segment.subscription
  return {
    _id: { s, i: index },
    s,
    u: ids.get(segment.customer) ?? segment.customer,
    from: new Date(segment.from),
    to: new Date(segment.to),
    status: segment.status,
    ...moneyFields(segment.value, ''),
    issue: segment.issue,
    next_status: segment.next?.status ?? null,
    next_paying: segment.next?.paying ?? false,
    history: segment.history,
  }
}

export function toSubscriptionSegment(document: Document): SubscriptionSegment {
  return {
    subscription: keyOf(document.s) ?? '',
    customer: customerKey(document.u),
    from: toInstant(document.from) ?? 0,
    to: toInstant(document.to) ?? 0,
    status: String(document.status ?? ''),
    value: toMoney(document, ''),
    issue: document.issue ?? null,
    next:
      document.next_status === null || document.next_status === undefined
        ? null
        : { status: String(document.next_status), paying: document.next_paying === true },
    history: document.history === 'assumed' ? 'assumed' : 'log',
  }
}
