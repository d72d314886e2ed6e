import type { Context } from '../../../runtime/context.ts'
import { collectionOf } from '../database.ts'
import { upserting } from '../retry.ts'

const memoryMs = 24 * 60 * 60 * 1000

interface RememberedEvent {
  _id: string
  body_hash: string
  expires_at: Date
}

/** Those of the messages that were remembered within the last day. */
export async function remembered(context: Context, ids: readonly string[]): Promise<Set<string>> {
  const known = await collectionOf<RememberedEvent>(context, 'auth0_sync_events')
    .find({ _id: { $in: ids } }, { _id: 1 })
    .toArray()
  return new Set(known.map(({ _id }) => _id))
}

/** Remembers messages that are their own proof: whoever sends one again sends the same. */
export async function rememberAll(context: Context, ids: readonly string[], now: Date): Promise<void> {
  if (ids.length === 0) return
  const expires_at = new Date(now.getTime() + memoryMs)
  const inserts = [...new Set(ids)].map((_id) => ({
    updateOne: { filter: { _id }, update: { $setOnInsert: { body_hash: '', expires_at } }, upsert: true },
  }))
  await upserting(() => collectionOf(context, 'auth0_sync_events').bulkWrite(inserts, { ordered: false }))
}

/**
 * Remembers a message for a day.
 *
 * @returns `new`, `repeated` with the same body, or `conflict`: the id came with another body
 */
export async function rememberEvent(
  context: Context,
  id: string,
  body: string,
  now: Date,
): Promise<'new' | 'repeated' | 'conflict'> {
  const events = collectionOf<RememberedEvent>(context, 'auth0_sync_events')
  const body_hash = utils.crypto.hash('sha256', body).toHex()
  const written = await upserting(() =>
    events.updateOne(
      { _id: id },
      { $setOnInsert: { body_hash, expires_at: new Date(now.getTime() + memoryMs) } },
      { upsert: true },
    ),
  )
  if (written.upsertedId !== undefined) return 'new'
  const known = await events.findOne({ _id: id })
  return known === null || known.body_hash === body_hash ? 'repeated' : 'conflict'
}
