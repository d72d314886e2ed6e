import type { Document } from 'bson'
import { openEnd } from '../domain/instant.ts'
import type { Context } from '../runtime/context.ts'
import { collectionOf, readAll } from './shared/database.ts'
import { isCancelled, logRowDocument, startOf } from './shared/log-row-document.ts'
import { documentProjection } from './shared/read-log.ts'
import { keyOf, toInstant } from './shared/values.ts'

/**
 * Starts the change log of every subscription that has none from its document: the present state since `start_date`,
 * and its end where there is one. Flagged `history: 'assumed'`, because the past cannot be known from the present
 * (spec: KPIs 3.2). Safe to run twice.
 */
export default async function importSubscriptionHistory(
  context: Context,
): Promise<{ imported: number; skipped: number; already_logged: number }> {
  const log = collectionOf(context, 'subscription_events')
  const rows = await readAll(log, {}, { _id: 1, subscription_id: 1 })
  const logged = new Set(rows.map((row) => keyOf(row.subscription_id)))
  const subscriptions = await readAll(collectionOf(context, 'subscriptions'), {}, documentProjection)
  const recordedAt = new Date()
  const operations: Document[] = []
  let [imported, skipped, alreadyLogged] = [0, 0, 0]
  for (const subscription of subscriptions) {
    if (logged.has(keyOf(subscription._id))) {
      alreadyLogged += 1
      continue
    }
    const start = startOf(subscription)
    const cancelled = isCancelled(subscription)
    const end = toInstant(subscription.end_date) ?? (cancelled ? toInstant(subscription.updated_at) : openEnd)
    if (start === null || end === null) {
      skipped += 1
      continue
    }
    const opening = { ...subscription, status: cancelled ? 'active' : subscription.status, end_date: null }
    const base = { recordedAt, source: 'import', assumed: true }
    const add = (document: Document): void => {
      const { _id, ...content } = document
      operations.push({ updateOne: { filter: { _id }, update: { $setOnInsert: content }, upsert: true } })
    }
    const key = keyOf(subscription._id)
    add(logRowDocument(opening, { ...base, _id: `import:${key}:start`, effectiveAt: start, seq: 0 }))
    if (end < openEnd)
      add(
        logRowDocument(
          { ...subscription, status: 'cancelled' },
          { ...base, _id: `import:${key}:end`, effectiveAt: new Date(Math.max(end, start.getTime())), seq: 1 },
        ),
      )
    imported += 1
  }
  for (let from = 0; from < operations.length; from += 5_000)
    await log.bulkWrite(operations.slice(from, from + 5_000), { ordered: false })
  return { imported, skipped, already_logged: alreadyLogged }
}
