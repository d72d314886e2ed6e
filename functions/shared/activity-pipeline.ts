import type { Document } from 'bson'
import { dayMs, type Instant } from '../../domain/instant.ts'
import type { KpiConfig } from '../../domain/kpi/config.ts'

/** A clock this far ahead of the server's is a wrong clock (spec: KPIs 8.6). */
const clockToleranceMs = 300_000

/** An array that holds a date is found by a range of dates and is none. */
export const isDated: Document = { $eq: [{ $type: '$timestamp' }, 'date'] }

/** True for an event dated more than the tolerance after its arrival. Rows without `received_at` cannot tell. */
export const isFutureEvent: Document = {
  $and: [
    { $eq: [{ $type: '$received_at' }, 'date'] },
    { $gt: ['$timestamp', { $add: ['$received_at', clockToleranceMs] }] },
  ],
}

/** Midnight that opens the day of a dated event, in every server version. */
export const dayOfEvent: Document = {
  $subtract: ['$timestamp', { $mod: [{ $subtract: ['$timestamp', new Date(0)] }, dayMs] }],
}

/** Keeps the events of `[from, to)`, whatever they are. */
export function matchEvents(from: Instant, to: Instant): Document[] {
  return [{ $match: { timestamp: { $gte: new Date(from), $lt: new Date(to) } } }, { $match: { $expr: isDated } }]
}

/** Keeps the events of `[from, to)` that count as somebody being active. */
export function matchActivity(
  from: Instant,
  to: Instant,
  config: KpiConfig,
  excludedUsers: readonly unknown[] = [],
): Document[] {
  return [
    {
      $match: {
        timestamp: { $gte: new Date(from), $lt: new Date(to) },
        event_type: { $nin: [...config.inactiveEventTypes] },
        user_id: excludedUsers.length === 0 ? { $ne: null } : { $nin: [null, ...excludedUsers] },
      },
    },
    { $match: { $expr: { $and: [isDated, { $not: [isFutureEvent] }] } } },
  ]
}
