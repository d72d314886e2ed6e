import { dayMs, type Instant } from '../../domain/instant.ts'
import type { Context } from '../../runtime/context.ts'
import { dayOfEvent, isDated } from './activity-pipeline.ts'
import { collectionOf, rawCollectionOf } from './database.ts'
import { upserting } from './retry.ts'
import { readRollups } from './rollup.ts'
import { toInstant } from './values.ts'

/** Events stamped this shortly before the last look may have become visible only after it. */
export const arrivalOverlapMs = 300_000

/**
 * The days that got events after their last rollup (spec: KPIs 8.6), told by `received_at`. Days that were never rolled
 * up are not late: whoever needs them rolls them up. Nor are days that another function has rolled up since: it noted
 * the repair. Before the first look, everything counts that arrived since the first rollup.
 */
export async function findLateDays(context: Context): Promise<Instant[]> {
  const watermark = (await lastNight(context)) ?? (await firstRollup(context))
  if (watermark === null) return []
  const groups = await rawCollectionOf(context, 'analytics_events')
    .aggregate([
      { $match: { received_at: { $gte: new Date(watermark - arrivalOverlapMs) } } },
      // Dates only, and no arrays of them: nothing else has a day.
      { $match: { $expr: isDated } },
      { $group: { _id: dayOfEvent, received: { $max: '$received_at' } } },
    ])
    .toArray()
  const received = new Map<Instant, Instant>()
  for (const group of groups) {
    const day = toInstant(group._id)
    if (day !== null) received.set(day, toInstant(group.received) ?? 0)
  }
  const days = [...received.keys()].sort((a, b) => a - b)
  const [first, last] = [days[0], days[days.length - 1]]
  if (first === undefined || last === undefined) return []
  const rollups = await readRollups(context, first, last + dayMs)
  return days.filter((day) => {
    const rolledAt = rollups.get(day)?.rolledAt
    return rolledAt !== undefined && (received.get(day) ?? 0) > rolledAt - arrivalOverlapMs
  })
}

/** When the last night began that came to its end; null: there was none. */
export async function lastNight(context: Context): Promise<Instant | null> {
  return toInstant((await collectionOf(context, 'kpi_state').findOne({ _id: 'late_events' }))?.watermark)
}

async function firstRollup(context: Context): Promise<Instant | null> {
  const [first] = await collectionOf(context, 'kpi_rollups')
    .find({}, { rolled_at: 1 })
    .sort({ rolled_at: 1 })
    .limit(1)
    .toArray()
  return toInstant(first?.rolled_at)
}

/**
 * Call it once the late days are repaired: a run that fails before looks at them again.
 *
 * @param now an instant before the look; the next look begins there
 */
export async function acceptArrivals(context: Context, now: Date): Promise<void> {
  await upserting(() =>
    collectionOf(context, 'kpi_state').updateOne(
      { _id: 'late_events' },
      { $max: { watermark: now } },
      { upsert: true },
    ),
  )
}
