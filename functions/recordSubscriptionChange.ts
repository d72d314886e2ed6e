import type { Document } from 'bson'
import type { ChangeEvent, Context } from '../runtime/context.ts'
import { collectionOf } from './shared/database.ts'
import { isCancelled, logRowDocument, startOf } from './shared/log-row-document.ts'
import { keyOf, toInstant, toNumber, toText } from './shared/values.ts'

/** Fields whose change is a change of state; anything else on the document is no row of the log. */
const stateFields = ['user_id', 'status', 'plan', 'billing_cycle', 'mrr', 'amount', 'currency', 'fx_rate', 'end_date']

/**
 * Turns a change of `subscriptions` into a row of `subscription_events`. Database trigger with pre-images; delivered at
 * least once, so the row's `_id` is the change event's.
 *
 * The change is effective at the provider's time when the document carries a `provider_event_id` (with
 * `provider_event_at`), at `end_date` for an ending, at `start_date` for a new subscription, else at `updated_at`; a
 * write that left `updated_at` alone is effective when it was written (spec: KPIs 2.2). A subscription that has no log
 * yet first gets the state it had before, flagged assumed: with a row in the log its document is no longer read.
 */
export default async function recordSubscriptionChange(
  context: Context,
  changeEvent: ChangeEvent,
): Promise<{ recorded: number }> {
  const after = changeEvent.fullDocument
  if (after === undefined || after === null) return { recorded: 0 }
  const before = changeEvent.fullDocumentBeforeChange ?? null
  const inserted = changeEvent.operationType === 'insert'
  if (!inserted && before !== null && sameState(before, after)) return { recorded: 0 }

  const log = collectionOf(context, 'subscription_events')
  const changeId = changeEvent._id._data
  const recordedAt = new Date()
  const rows: Document[] = []
  const known = await log
    .find({ subscription_id: after._id }, { effective_at: 1, seq: 1, source: 1, provider_event_id: 1 })
    .sort({ subscription_id: 1, effective_at: -1, seq: -1 })
    .limit(200)
    .toArray()
  const others = known.filter((row) => row._id !== changeId && row._id !== `${changeId}:before`)
  const start = startOf(before ?? after)
  if (!inserted && others.length === 0 && before !== null && start !== null)
    rows.push(
      logRowDocument(before, {
        _id: `${changeId}:before`,
        effectiveAt: start,
        recordedAt,
        seq: 0,
        source: 'trigger',
        assumed: true,
      }),
    )
  const effectiveAt = effectiveInstant(changeEvent, before, after, inserted, recordedAt)
  const sequence = [...others, ...rows]
    .filter((row) => toInstant(row.effective_at) === effectiveAt.getTime())
    .map((row) => toNumber(row.seq))
    .filter((seq) => !Number.isNaN(seq))
  const row = logRowDocument(after, {
    _id: changeId,
    effectiveAt,
    recordedAt,
    seq: sequence.length === 0 ? 0 : Math.max(...sequence) + 1,
    source: 'trigger',
  })
  const providerEventId = newProviderEvent(before, after)
  if (providerEventId === null) rows.push(row)
  else if (!others.some((other) => other.provider_event_id === providerEventId))
    rows.push({ ...row, provider_event_id: providerEventId })

  let recorded = 0
  for (const document of rows) recorded += await insertOnce(context, document)
  return { recorded }
}

/** The provider's event that this change came with; null when it is the one of an earlier change. */
function newProviderEvent(before: Document | null, after: Document): string | null {
  const id = toText(after.provider_event_id)
  return id === null || id === toText(before?.provider_event_id) ? null : id
}

function effectiveInstant(
  event: ChangeEvent,
  before: Document | null,
  after: Document,
  inserted: boolean,
  recordedAt: Date,
): Date {
  const written = event.wallTime ?? recordedAt
  if (newProviderEvent(before, after) !== null) {
    const provided = toInstant(after.provider_event_at)
    if (provided !== null) return new Date(provided)
  }
  const end = toInstant(after.end_date)
  if (isCancelled(after) && end !== null) return new Date(end)
  const updated = toInstant(after.updated_at)
  if (inserted) return startOf(after) ?? (updated === null ? written : new Date(updated))
  const stamped = updated !== null && (before === null || toInstant(before.updated_at) !== updated)
  return stamped ? new Date(updated) : written
}

function sameState(before: Document, after: Document): boolean {
  return (
    stateFields.every((field) => keyOf(before[field]) === keyOf(after[field])) &&
    newProviderEvent(before, after) === null
  )
}

/** @returns 1 when the row is new; 0 when it, or the provider's own row of the same event, is there already */
async function insertOnce(context: Context, row: Document): Promise<number> {
  const log = collectionOf(context, 'subscription_events')
  try {
    const { _id, ...content } = row
    const result = await log.updateOne({ _id }, { $setOnInsert: content }, { upsert: true })
    return result.upsertedId === undefined ? 0 : 1
  } catch (error) {
    const provider = row.provider_event_id
    if (provider !== undefined && (await log.findOne({ provider_event_id: provider }, { _id: 1 })) !== null) return 0
    if ((await log.findOne({ _id: row._id }, { _id: 1 })) !== null) return 0
    throw error
  }
}
