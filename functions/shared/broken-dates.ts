import type { Context } from '../../runtime/context.ts'
import { rawCollectionOf } from './database.ts'

const dated = [
  ['users', 'created_at'],
  ['analytics_events', 'timestamp'],
  ['nps_responses', 'responded_at'],
] as const

/**
 * Documents whose date is missing or of another type, which no window can hold. Each alternative is one range of the
 * index on that date.
 */
export async function countBrokenDates(context: Context): Promise<number> {
  let broken = 0
  for (const [collection, field] of dated)
    broken += await rawCollectionOf(context, collection).count({
      $or: [
        { [field]: null },
        { [field]: { $type: 'string' } },
        { [field]: { $type: 'number' } },
        { [field]: { $type: 'object' } },
      ],
    })
  return broken
}
