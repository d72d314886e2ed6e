import { dayMs, startOfDay } from '../../domain/instant.ts'
import type { KpiConfig } from '../../domain/kpi/config.ts'
import type { Context } from '../../runtime/context.ts'
import { collectionOf, rawCollectionOf } from './database.ts'
import { toInstant } from './values.ts'

/** Days stamped by one run; the rest follows in the next nights. */
const daysPerRun = 62

/**
 * Marks raw events for deletion by the TTL index on `expire_at`, a field of its own, so that nothing expires that was
 * not marked: only events older than `events_retention_days` whose day is final and rolled up. Off by default.
 */
export async function expireEvents(context: Context, config: KpiConfig, now: Date): Promise<number> {
  if (config.eventsRetentionDays === null) return 0
  // The last snapshot that reads a day is dated 30 days after it, and final a late window later.
  const keepDays = Math.max(config.eventsRetentionDays, config.lateWindowDays + 30)
  const before = startOfDay(now.getTime()) - keepDays * dayMs
  const events = collectionOf(context, 'analytics_events')
  const oldest = await rawCollectionOf(context, 'analytics_events')
    .find({ timestamp: { $lt: new Date(before) }, expire_at: null }, { _id: 0, timestamp: 1 })
    .sort({ timestamp: 1 })
    .limit(1)
    .toArray()
  const first = toInstant(oldest[0]?.timestamp)
  if (first === null) return 0
  const until = Math.min(before, startOfDay(first) + daysPerRun * dayMs)
  const rolled = await collectionOf(context, 'kpi_rollups')
    .find({ _id: { $gte: new Date(startOfDay(first)), $lt: new Date(until) } }, { _id: 1 })
    .toArray()
  let marked = 0
  for (const { _id } of rolled) {
    const day = toInstant(_id)
    if (day === null) continue
    const result = await events.updateMany(
      { timestamp: { $gte: new Date(day), $lt: new Date(day + dayMs) }, expire_at: null },
      { $set: { expire_at: now } },
    )
    marked += result.modifiedCount
  }
  return marked
}
