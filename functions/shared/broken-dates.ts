import type { Context } from '../../runtime/context.ts'
import { rawCollectionOf } from './database.ts'
import { toInstant } from './values.ts'

const dated = [
  ['users', 'created_at'],
  ['analytics_events', 'timestamp'],
  ['nps_responses', 'responded_at'],
] as const

/** Counted up to here; a database with more has another problem than the number. */
const most = 1_000

/**
 * Documents whose date is missing or of another type, which no window can hold. Nothing, numbers, texts and objects sort
 * before every date, so those documents are the first of the index on that date: reading them costs what they are, not
 * what the collection is.
 */
export async function countBrokenDates(context: Context): Promise<number> {
  let broken = 0
  for (const [collection, field] of dated) {
    const documents = await rawCollectionOf(context, collection)
      .find({}, { [field]: 1 })
      .sort({ [field]: 1 })
      .limit(1)
      .toArray()
    if (documents.length === 0 || toInstant(documents[0]?.[field]) !== null) continue
    const leading = await rawCollectionOf(context, collection)
      .find({}, { [field]: 1 })
      .sort({ [field]: 1 })
      .limit(most)
      .toArray()
    const firstDate = leading.findIndex((document) => toInstant(document[field]) !== null)
    broken += firstDate < 0 ? leading.length : firstDate
  }
  return broken
}
