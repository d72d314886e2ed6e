import type { Context } from '../../runtime/context.ts'
import { rawCollectionOf } from './database.ts'

const dated = [
  ['users', 'created_at'],
  ['analytics_events', 'timestamp'],
  ['nps_responses', 'responded_at'],
] as const

/** Counted up to here; a database with more has another problem than the number. */
const most = 1_000

/** The earliest date there is: whatever is not at or after it is no date. */
export const earliestDate = new Date(-8.64e15)

/**
 * Documents whose date is missing or of another type, which no window can hold. What a range leaves out are the two ends
 * of the index on the date: reading them costs what they hold, not what the collection holds.
 */
export async function countBrokenDates(context: Context): Promise<number> {
  let broken = 0
  for (const [collection, field] of dated) {
    const documents = await rawCollectionOf(context, collection)
      .find({ [field]: { $not: { $gte: earliestDate } } }, { _id: 1 })
      .limit(most)
      .toArray()
    broken += documents.length
  }
  return broken
}
