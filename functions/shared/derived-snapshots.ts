import { dayMs, type Instant } from '../../domain/instant.ts'
import type { KpiConfig } from '../../domain/kpi/config.ts'
import type { SubscriptionSegment } from '../../domain/kpi/subscription-segments.ts'
import type { Context } from '../../runtime/context.ts'
import { assembleSnapshots } from './assemble-snapshots.ts'
import { collectionOf, readAll } from './database.ts'
import { findDatesBeforeFirstEvent } from './read-activity.ts'
import { readAnswers } from './read-answers.ts'
import { readDerivedActivity } from './read-derived-activity.ts'
import { readMarkCounts } from './read-mark-counts.ts'
import { byCustomer } from './read-segments.ts'
import { readSpend } from './read-spend.ts'
import { readUserCounts } from './read-user-counts.ts'
import { findUnknownUsers, readTestUsers } from './read-users.ts'
import { readRollups } from './rollup.ts'
import { customerSegmentProjection, toCustomerSegment, toSubscriptionSegment } from './segment-documents.ts'
import type { ComputedSnapshot } from './snapshot.ts'
import { windowOf } from './window.ts'

/**
 * Computes the snapshots of ascending midnights from the derived collections: each collection is read once, bounded by
 * the windows of these days, whatever the length of the history before them (spec: KPIs 8.5). Rollups and segments must
 * be current. `windowFrom` is for a single snapshot with a window of its own.
 */
export async function computeDerivedSnapshots(
  context: Context,
  dates: readonly Instant[],
  options: { config: KpiConfig; problems: number; logTo: Instant; brokenDates: number; windowFrom?: Instant },
): Promise<ComputedSnapshot[]> {
  const first = dates[0]
  const last = dates[dates.length - 1]
  if (first === undefined || last === undefined) return []
  const { config } = options
  const opening = windowOf(first, options.windowFrom)
  const earliest = Math.min(opening.windowFrom, opening.months12Ago)
  const windowStart = Math.min(opening.windowFrom, opening.days30Ago)

  const testUsers = await readTestUsers(context)
  const counted = <T extends { customer: string }>(segment: T): boolean => !testUsers.keys.has(segment.customer)
  const customerRows = await readAll(
    collectionOf(context, 'customer_mrr_segments'),
    { to: { $gt: new Date(earliest) }, from: { $lte: new Date(last) } },
    customerSegmentProjection,
  )
  const customers = byCustomer(customerRows.map(toCustomerSegment).filter(counted))
  const subscriptionRows = await readAll(
    collectionOf(context, 'subscription_segments'),
    { to: { $gte: new Date(windowStart) }, from: { $lt: new Date(last) } },
    {
      _id: 0,
      s: 1,
      u: 1,
      from: 1,
      to: 1,
      status: 1,
      twelfths: 1,
      rest: 1,
      issue: 1,
      next_status: 1,
      next_paying: 1,
      history: 1,
    },
  )
  const owners = new Map<string, unknown>()
  const subscriptions: SubscriptionSegment[] = []
  for (const document of subscriptionRows) {
    const segment = toSubscriptionSegment(document)
    if (!counted(segment)) continue
    subscriptions.push(segment)
    owners.set(segment.customer, document.u)
  }
  const activity = await readDerivedActivity(context, dates, testUsers)
  const { answers, people } = await readAnswers(context, first - config.npsWindowDays * dayMs, last, testUsers)
  return assembleSnapshots(dates, {
    config,
    problems: options.problems,
    brokenDates: options.brokenDates,
    invalidTestFlags: testUsers.invalidFlags,
    logTo: options.logTo,
    customers,
    subscriptions,
    activity,
    totalUsers: await readUserCounts(context, dates, testUsers),
    unknownCustomers: await findUnknownUsers(context, owners),
    marks: await readMarkCounts(context, dates, testUsers),
    days: await readRollups(context, first - dayMs, last),
    spend: await readSpend(context, opening.windowFrom, last),
    answers,
    unknownRespondents: await findUnknownUsers(context, people),
    beforeFirstEvent: await findDatesBeforeFirstEvent(context, dates, activity),
    ...(options.windowFrom === undefined ? {} : { windowFrom: options.windowFrom }),
  })
}
