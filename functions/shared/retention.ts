import { dayMs, type Instant, startOfDay } from '../../domain/instant.ts'
import { monthWindowMs } from '../../domain/kpi/active-users.ts'
import type { KpiConfig } from '../../domain/kpi/config.ts'
import type { Context } from '../../runtime/context.ts'
import { collectionOf, rawCollectionOf } from './database.ts'
import { arrivalOverlapMs } from './late-days.ts'
import { toInstant } from './values.ts'

/** Days stamped by one run; the rest follows in the next nights. */
const daysPerRun = 62
/** Longer than any run lives: one that saw the day before it was marked still finds its events. */
const graceMs = 3_600_000

/** The first day whose raw events may not expire yet; null: none may. */
export function retainedFrom(config: KpiConfig, now: Instant): Instant | null {
  if (config.eventsRetentionDays === null) return null
  // The last snapshot that reads a day is dated 30 days after it, and final a late window later.
  return startOfDay(now - Math.max(config.eventsRetentionDays * dayMs, config.lateWindowDays * dayMs + monthWindowMs))
}

/**
 * Marks raw events for deletion by the TTL index on `expire_at`, a field of its own, so that nothing expires that was
 * not marked: only events older than `events_retention_days` whose day is final and rolled up, and only those that the
 * rollup saw. Off by default. The day is marked first: from then on its people stay, with events or without.
 */
export async function expireEvents(context: Context, config: KpiConfig, now: Date): Promise<number> {
  const before = retainedFrom(config, now.getTime())
  if (before === null) return 0
  const events = collectionOf(context, 'analytics_events')
  const rollups = collectionOf(context, 'kpi_rollups')
  const first = await firstUnmarked(context, before)
  if (first === null) return 0
  const due = await rollups
    .find({ _id: { $gte: new Date(first), $lt: new Date(before) }, events_expire: { $ne: true } }, { rolled_at: 1 })
    .sort({ _id: 1 })
    .limit(daysPerRun)
    .toArray()
  const again = await rollups.find({ _id: new Date(first), events_expire: true }, { rolled_at: 1 }).toArray()
  let marked = 0
  for (const { _id, rolled_at } of [...again, ...due]) {
    const [day, rolledAt] = [toInstant(_id), toInstant(rolled_at)]
    if (day === null || rolledAt === null) continue
    await rollups.updateOne({ _id }, { $set: { events_expire: true } })
    const result = await events.updateMany(
      {
        timestamp: { $gte: new Date(day), $lt: new Date(day + dayMs) },
        received_at: { $not: { $gte: new Date(rolledAt - arrivalOverlapMs) } },
        expire_at: null,
      },
      { $set: { expire_at: new Date(now.getTime() + graceMs) } },
    )
    marked += result.modifiedCount
  }
  return marked
}

/** Midnight that opens the day of the first event before `before` that is not marked; null: all are. */
async function firstUnmarked(context: Context, before: Instant): Promise<Instant | null> {
  const oldest = await rawCollectionOf(context, 'analytics_events')
    .find({ timestamp: { $lt: new Date(before) }, expire_at: null }, { _id: 0, timestamp: 1 })
    .sort({ timestamp: 1 })
    .limit(1)
    .toArray()
  const first = toInstant(oldest[0]?.timestamp)
  return first === null ? null : startOfDay(first)
}
