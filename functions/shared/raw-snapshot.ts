import { dayMs, type Instant, isMidnight, openEnd } from '../../domain/instant.ts'
import { sumSpend } from '../../domain/kpi/cac.ts'
import { computeCohortRetention } from '../../domain/kpi/cohort-retention.ts'
import { computeKpis } from '../../domain/kpi/compute-kpis.ts'
import type { CustomerBalance } from '../../domain/kpi/customer-balance.ts'
import { type CustomerSegment, customerSegments, mrrAsOf } from '../../domain/kpi/customer-segments.ts'
import { type DataQuality, emptyDataQuality } from '../../domain/kpi/data-quality.ts'
import { computeMovements } from '../../domain/kpi/movements.ts'
import { computeNps } from '../../domain/kpi/nps.ts'
import { countSubscriptions } from '../../domain/kpi/subscription-counts.ts'
import { isCurrent, type SubscriptionSegment } from '../../domain/kpi/subscription-segments.ts'
import { countTrials } from '../../domain/kpi/trial-conversion-rate.ts'
import { computeUsageRetention } from '../../domain/kpi/usage-retention.ts'
import type { Context } from '../../runtime/context.ts'
import { countBrokenDates } from './broken-dates.ts'
import { countIssues } from './count-issues.ts'
import { countFutureEvents, findDatesBeforeFirstEvent, readRawActivity, readUsersByMonth } from './read-activity.ts'
import { readAnswers } from './read-answers.ts'
import { readConfig } from './read-config.ts'
import { byCustomer, readAllSegments } from './read-segments.ts'
import { readSpend } from './read-spend.ts'
import { countUsers, findUnknownUsers, readTestUsers } from './read-users.ts'
import { type ComputedSnapshot, describedDay } from './snapshot.ts'
import { windowOf } from './window.ts'

/**
 * Computes a snapshot from the raw collections alone: plain reads and code, the reference that every faster path must
 * equal (spec: KPIs 9). Writes nothing. `asOf` may be any instant; what is no midnight is `partial`.
 *
 * @param options `tables`: with the cohort tables, default false · `quality`: false leaves out the counters of
 *   `data_quality` that need reads of their own
 */
export async function computeRawSnapshot(
  context: Context,
  asOf: Instant,
  options: { windowFrom?: Instant; tables?: boolean; quality?: boolean } = {},
): Promise<ComputedSnapshot> {
  const window = windowOf(asOf, options.windowFrom)
  const { windowFrom } = window
  const { config, problems } = await readConfig(context)
  const testUsers = await readTestUsers(context)
  const read = await readAllSegments(context, config)
  const segments = read.segments.filter((segment) => !testUsers.keys.has(segment.customer))
  const customers = byCustomer(segments)

  const balances: CustomerBalance[] = []
  const movementRows: CustomerSegment[] = []
  const extraClosings = [windowFrom, asOf].filter((instant) => !isMidnight(instant))
  for (const [customer, own] of customers) {
    balances.push({
      customer,
      asOf: mrrAsOf(own, asOf),
      windowFrom: mrrAsOf(own, windowFrom),
      days30Ago: mrrAsOf(own, window.days30Ago),
      months12Ago: mrrAsOf(own, window.months12Ago),
    })
    for (const row of customerSegments(own, extraClosings))
      if (row.from > windowFrom && row.from <= asOf) movementRows.push(row)
  }

  const { activity, usersOfDay } = await readRawActivity(context, asOf, config, testUsers)
  const spend = sumSpend(await readSpend(context, windowFrom, asOf), windowFrom, asOf, config)
  const { answers, people } = await readAnswers(context, asOf - config.npsWindowDays * dayMs, asOf, testUsers)
  const nps = computeNps(answers, asOf, config.npsWindowDays)
  const metrics = computeKpis({
    asOf,
    windowFrom,
    config,
    totalUsers: await countUsers(context, asOf, testUsers),
    activity,
    balances,
    movements: computeMovements(movementRows),
    subscriptions: countSubscriptions(segments, asOf),
    trials: countTrials(segments, windowFrom, asOf),
    spend,
    nps,
  })

  const living = segments.filter((segment) => isCurrent(segment, asOf))
  const readQuality = async (): Promise<Partial<DataQuality>> => {
    const owners = new Map(living.map(({ customer }) => [customer, read.ids.get(customer) ?? customer] as const))
    const strangers = await findUnknownUsers(context, people)
    const before = await findDatesBeforeFirstEvent(context, [asOf], new Map([[asOf, activity]]))
    return {
      invalid_dates: countStatus(segments, 'invalid') + (await countBrokenDates(context)),
      future_events: await countFutureEvents(context, asOf - dayMs, asOf),
      unknown_users: (await findUnknownUsers(context, usersOfDay)).size,
      unknown_respondents: nps.users.filter((user) => strangers.has(user)).length,
      unknown_customers: (await findUnknownUsers(context, owners)).size,
      before_first_event: before.size > 0,
    }
  }
  const quality = { ...stateQuality(segments, living, asOf), ...(options.quality === false ? {} : await readQuality()) }
  quality.invalid_nps_scores = nps.invalidScores
  quality.invalid_dates += spend.invalidDates
  quality.unconverted += spend.unconverted
  quality.invalid_amounts += spend.invalidAmounts
  quality.invalid_config = problems.length
  quality.invalid_test_flags = testUsers.invalidFlags

  const tables = options.tables
    ? {
        cohort_retention: computeCohortRetention(
          [...customers.values()].map((own) => customerSegments(own)),
          asOf,
        ),
        usage_retention: computeUsageRetention(await readUsersByMonth(context, asOf, config, testUsers), asOf),
      }
    : {}
  return {
    snapshot_date: new Date(asOf),
    day: describedDay(asOf),
    window_from: new Date(windowFrom),
    partial: !isMidnight(asOf),
    metrics: { ...metrics, ...tables },
    data_quality: quality,
    inputs: { events_to: new Date(asOf), log_to: null },
  }
}

/** What the segments alone tell. */
function stateQuality(
  segments: readonly SubscriptionSegment[],
  living: readonly SubscriptionSegment[],
  asOf: Instant,
): DataQuality {
  const assumed = living.filter((segment) => segment.history === 'assumed').length
  return {
    ...emptyDataQuality(),
    ...countIssues(living),
    expired_but_active: countExpired(segments, asOf),
    duplicate_provider_events: countStatus(segments, 'duplicate'),
    invalid_dates: countStatus(segments, 'invalid'),
    assumed_subscriptions: assumed,
    history: assumed > 0 ? 'assumed' : 'log',
  }
}

function countStatus(segments: readonly SubscriptionSegment[], status: string): number {
  return segments.filter((segment) => segment.status === status).length
}

function countExpired(segments: Iterable<SubscriptionSegment>, asOf: Instant): number {
  let expired = 0
  for (const { status, to } of segments) {
    if (to >= asOf || to === openEnd) continue
    if (status === 'expired') expired += 1
    if (status === 'expired_resolved') expired -= 1
  }
  return expired
}
