import type { Document } from 'bson'
import { toInstant, toText } from './values.ts'

const copied = [
  'user_id',
  'status',
  'plan',
  'billing_cycle',
  'mrr',
  'amount',
  'currency',
  'fx_rate',
  'end_date',
  'payment_provider',
  'payment_provider_id',
] as const

/** A row of the change log with the full state that a subscription document shows. */
export function logRowDocument(
  subscription: Document,
  row: { _id: unknown; effectiveAt: Date; recordedAt: Date; seq: number; source: string; assumed?: boolean },
): Document {
  const document: Document = {
    _id: row._id,
    subscription_id: subscription._id,
    effective_at: row.effectiveAt,
    recorded_at: row.recordedAt,
    seq: row.seq,
    source: row.source,
  }
  for (const field of copied) if (subscription[field] !== undefined) document[field] = subscription[field]
  if (row.assumed) document.history = 'assumed'
  return document
}

/** When a document's subscription began. */
export function startOf(subscription: Document): Date | null {
  const instant = toInstant(subscription.start_date) ?? toInstant(subscription.created_at)
  return instant === null ? null : new Date(instant)
}

export function isCancelled(subscription: Document): boolean {
  const status = toText(subscription.status)
  return status === 'cancelled' || status === 'canceled'
}
