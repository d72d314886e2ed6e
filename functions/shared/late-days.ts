import { dayMs, type Instant } from '../../domain/instant.ts'
import type { Context } from '../../runtime/context.ts'
import { dayOfEvent, isDated } from './activity-pipeline.ts'
import { collectionOf, rawCollectionOf } from './database.ts'
import { upserting } from './retry.ts'
import { readRollups } from './rollup.ts'
import { toInstant } from './values.ts'

/** Events stamped this shortly before the last look may have become visible only after it. */
const overlapMs = 300_000

/**
 * The days that got events after their last rollup (spec: KPIs 8.6), told by `received_at`. Days that were never rolled
 * up are not late: whoever needs them rolls them up.
 *
 * @param now the instant up to which arrivals are seen; the next call looks from there on
 */
export async function findLateDays(context: Context, now: Date): Promise<Instant[]> {
  const state = collectionOf(context, 'kpi_state')
  const watermark = toInstant((await state.findOne({ _id: 'late_events' }))?.watermark)
  const groups = await rawCollectionOf(context, 'analytics_events')
    .aggregate([
      { $match: { received_at: { $gte: new Date((watermark ?? now.getTime() - dayMs) - overlapMs) } } },
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
    return rolledAt !== undefined && (received.get(day) ?? 0) > rolledAt - overlapMs
  })
}

/** Call it once the late days are repaired: a run that fails before looks at them again. */
export async function acceptArrivals(context: Context, now: Date): Promise<void> {
  await upserting(() =>
    collectionOf(context, 'kpi_state').updateOne(
      { _id: 'late_events' },
      { $max: { watermark: now } },
      { upsert: true },
    ),
  )
}
