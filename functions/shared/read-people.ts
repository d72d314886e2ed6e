import { dayMs, type Instant } from '../../domain/instant.ts'
import type { KpiConfig } from '../../domain/kpi/config.ts'
import type { Context } from '../../runtime/context.ts'
import { dayOfEvent, matchActivity } from './activity-pipeline.ts'
import { nextSpan } from './daily-people.ts'
import { rawCollectionOf, readGroups } from './database.ts'
import { keyOf, toInstant } from './values.ts'

/** The people of one day by key: id as stored, and their events. */
export type PeopleOfDay = ReadonlyMap<string, { readonly id: unknown; readonly events: number }>

/** Consecutive days of which the people were read at once. */
export interface ReadDays {
  readonly from: Instant
  readonly to: Instant
  /** A day with nobody is missing. */
  readonly days: ReadonlyMap<Instant, PeopleOfDay>
}

const firstSpan = 20

/**
 * Reads the people of `[from, to)` from the events, test accounts included: as many days at once as their people let it,
 * since some servers read all events for each question.
 */
export async function* readPeople(
  context: Context,
  from: Instant,
  to: Instant,
  config: KpiConfig,
): AsyncGenerator<ReadDays> {
  let span = firstSpan
  for (let start = from, end = from; start < to; start = end) {
    end = Math.min(to, start + span * dayMs)
    const groups = await readGroups(rawCollectionOf(context, 'analytics_events'), [
      ...matchActivity(start, end, config),
      { $group: { _id: { d: dayOfEvent, u: '$user_id' }, n: { $sum: 1 } } },
    ])
    const days = new Map<Instant, Map<string, { id: unknown; events: number }>>()
    for (const { _id, n } of groups) {
      const day = toInstant(_id.d) ?? 0
      const people = days.get(day) ?? new Map<string, { id: unknown; events: number }>()
      days.set(day, people)
      people.set(keyOf(_id.u) ?? '', { id: _id.u, events: Number(n) })
    }
    yield { from: start, to: end, days }
    span = nextSpan((end - start) / dayMs, groups.length)
  }
}
