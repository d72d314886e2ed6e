import type { Context } from '../../../runtime/context.ts'
import { collectionOf } from '../database.ts'
import { upserting } from '../retry.ts'

const memoryMs = 24 * 60 * 60 * 1000

interface RememberedEvent {
  _id: string
  body_hash: string
  expires_at: Date
}

/** True when a message was remembered within the last day. */
export async function isRemembered(context: Context, id: string): Promise<boolean> {
  return (await collectionOf<RememberedEvent>(context, 'auth0_sync_events').findOne({ _id: id }, { _id: 1 })) !== null
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
