import type { Document } from 'bson'
import type { Context } from '../../runtime/context.ts'
import { rawCollectionOf } from './database.ts'
import { keyOf } from './values.ts'

/** The earliest date there is: whatever is not at or after it is no date. */
export const earliestDate = new Date(-8.64e15)

const noDate: Document = { $not: { $gte: earliestDate } }

/**
 * A range of dates finds an array of dates too: asked for by its own name, as the partial index on it has it. No array is
 * below the empty one: DocumentDB, which does not see that the partial index answers, finds arrays by that.
 */
export const isArray: Document = { $type: 'array', $gte: [] }

/**
 * Collection, and which of its documents have a broken date: one field each, so that an index on it answers. Events with
 * an array of dates are not asked for: DocumentDB reads all events to tell that there is none. No number counts them.
 */
const broken: readonly (readonly [string, Document])[] = [
  ['users', { created_at: noDate }],
  ['users', { deleted_at: { $exists: true, $ne: null, ...noDate } }],
  ['users', { created_at: isArray }],
  ['users', { deleted_at: isArray }],
  ['analytics_events', { timestamp: noDate }],
  ['marketing_spend', { period_end: noDate }],
  ['marketing_spend', { period_start: noDate }],
  ['nps_responses', { responded_at: noDate }],
  ['nps_responses', { responded_at: isArray }],
]

/** Counted up to here; a database with more has another problem than the number. */
const most = 1_000

/**
 * Documents whose date is missing or of another type, which no window can hold. What a range leaves out are the two ends
 * of the index on the date: reading them costs what they hold, not what the collection holds.
 */
export async function countBrokenDates(context: Context): Promise<number> {
  const found = new Set<string>()
  for (const [collection, condition] of broken) {
    const documents = await rawCollectionOf(context, collection).find(condition, { _id: 1 }).limit(most).toArray()
    for (const { _id } of documents) found.add(`${collection} ${keyOf(_id)}`)
  }
  return found.size
}
