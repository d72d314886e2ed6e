import type { Instant } from '../instant.ts'

/** A stored number: a plain one, or the decimal text of a Decimal128 or 64-bit integer. */
export type Decimal = number | string

/** The full state of a subscription, as a log row or a document gives it; null: not given. */
export interface SubscriptionState {
  readonly status: string | null
  /** False when stored as something that is no text: any text may name a plan. */
  readonly plan: string | false | null
  readonly billingCycle: string | null
  /** Price per billing cycle in major units; `invalid` when stored as something that is no number. */
  readonly amount: Decimal | 'invalid' | null
  /** Already monthly. */
  readonly mrr: Decimal | 'invalid' | null
  readonly currency: string | null
  readonly fxRate: Decimal | null
  readonly endDate: Instant | null
}

/** One row of the change log: the full state after the change. Ids are keys of any type, made comparable by the caller. */
export interface LogRow extends SubscriptionState {
  readonly subscription: string
  readonly customer: string | null
  readonly effectiveAt: Instant
  readonly recordedAt: Instant | null
  /** Order inside one instant. */
  readonly seq: number
  readonly providerEventId: string | null
  /** Written from a document rather than when it happened. */
  readonly assumed: boolean
}

/** A subscription without change log. */
export interface SubscriptionDocument extends SubscriptionState {
  readonly subscription: string
  readonly customer: string | null
  readonly startDate: Instant | null
  readonly createdAt: Instant | null
  readonly updatedAt: Instant | null
}
