import type { Document } from 'bson'
import type { Instant } from '../../domain/instant.ts'
import { monthWindowMs } from '../../domain/kpi/active-users.ts'
import type { Context, ServiceSession } from '../../runtime/context.ts'
import { collectionOf, deletionOf, readAll } from './database.ts'
import { toInstant } from './values.ts'

const batchSize = 5_000

/**
 * A document of `kpi_repairs`: derived documents change, and the snapshots made of them have to be looked at again. It is
 * there before the change, or commits with it, whoever makes the change; only a night that began after it, and has
 * computed these snapshots, deletes it. So a run may stop anywhere: what it leaves behind is a repair too many.
 */
export interface Repair {
  readonly id: unknown
  /** Days whose people change; the snapshots of the 30 days after each of them count these. */
  readonly days: readonly Instant[]
  /** What was paid changes from here on, and so do all later snapshots; null: it does not. */
  readonly revenueFrom: Instant | null
  /** The segments were rewritten without a transaction: a night has to do the same before it may trust them. */
  readonly full: boolean
}

export type Change = Partial<Omit<Repair, 'id'>>

export async function noteRepair(context: Context, change: Change, session?: ServiceSession): Promise<Repair> {
  const { days = [], revenueFrom = null, full = false } = change
  const document = {
    days: days.map((day) => new Date(day)),
    revenue_from: revenueFrom === null ? null : new Date(revenueFrom),
    full,
    noted_at: new Date(),
  }
  const options = session === undefined ? {} : { session }
  const { insertedId } = await collectionOf(context, 'kpi_repairs').insertOne(document, options)
  return { id: insertedId, days, revenueFrom, full }
}

/** Everything that waits for repair. */
export async function readRepairs(context: Context): Promise<Repair[]> {
  const documents = await readAll(collectionOf(context, 'kpi_repairs'), {}, { days: 1, revenue_from: 1, full: 1 })
  return documents.map((document) => ({
    id: document._id,
    days: [document.days ?? []].flat().flatMap((day: unknown) => toInstant(day) ?? []),
    revenueFrom: toInstant(document.revenue_from),
    full: document.full === true,
  }))
}

/** True when the snapshot dated `date` is made of something that a repair names. */
export function isTouched(date: Instant, repairs: readonly Change[]): boolean {
  return repairs.some(
    ({ days = [], revenueFrom = null }) =>
      (revenueFrom !== null && revenueFrom < date) || days.some((day) => day < date && date <= day + monthWindowMs),
  )
}

/** Leaves only `days` in a repair of one's own, once it is known that no snapshot counts the others. */
export async function narrowRepair(context: Context, repair: Repair, days: readonly Instant[]): Promise<Repair | null> {
  const repairs = collectionOf(context, 'kpi_repairs')
  if (days.length === repair.days.length) return repair
  if (days.length === 0 && repair.revenueFrom === null) {
    await repairs.deleteOne({ _id: repair.id })
    return null
  }
  await repairs.updateOne({ _id: repair.id }, { $set: { days: days.map((day) => new Date(day)) } })
  return { ...repair, days }
}

/**
 * Strikes out what has been repaired.
 *
 * @param checkedTo the last date looked at, when dates after it are left for another night; undefined: none are
 */
export async function settleRepairs(
  context: Context,
  repairs: readonly Repair[],
  checkedTo: Instant = Number.POSITIVE_INFINITY,
): Promise<void> {
  const operations: Document[] = repairs.map(({ id, days, revenueFrom }) => {
    const rest = days.filter((day) => day + monthWindowMs > checkedTo)
    if (checkedTo === Number.POSITIVE_INFINITY || (rest.length === 0 && revenueFrom === null)) return deletionOf(id)
    return {
      updateOne: {
        filter: { _id: id },
        update: {
          $set: { days: rest.map((day) => new Date(day)), full: false },
          ...(revenueFrom === null ? {} : { $max: { revenue_from: new Date(checkedTo) } }),
        },
      },
    }
  })
  const repaired = collectionOf(context, 'kpi_repairs')
  for (let at = 0; at < operations.length; at += batchSize)
    await repaired.bulkWrite(operations.slice(at, at + batchSize), { ordered: false })
}
