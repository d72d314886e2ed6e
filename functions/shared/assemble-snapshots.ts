import { dayMs, type Instant } from '../../domain/instant.ts'
import type { ActiveUsers } from '../../domain/kpi/active-users.ts'
import { type SpendRow, sumSpend } from '../../domain/kpi/cac.ts'
import { computeKpis } from '../../domain/kpi/compute-kpis.ts'
import type { KpiConfig } from '../../domain/kpi/config.ts'
import { type CustomerSegment, mrrAtClosing } from '../../domain/kpi/customer-segments.ts'
import { emptyDataQuality } from '../../domain/kpi/data-quality.ts'
import { computeMovements } from '../../domain/kpi/movements.ts'
import { computeNps, type NpsAnswer } from '../../domain/kpi/nps.ts'
import { countSubscriptions } from '../../domain/kpi/subscription-counts.ts'
import { isCurrent, type SubscriptionSegment } from '../../domain/kpi/subscription-segments.ts'
import { countTrials } from '../../domain/kpi/trial-conversion-rate.ts'
import { countIssues } from './count-issues.ts'
import type { MarkCounts } from './read-mark-counts.ts'
import { type ComputedSnapshot, describedDay } from './snapshot.ts'
import { windowOf } from './window.ts'

/** What the snapshots of some midnights are made of, read once for all of them; test accounts are left out already. */
export interface SnapshotMaterial {
  readonly config: KpiConfig
  /** Values of `kpi_config` out of range. */
  readonly problems: number
  readonly brokenDates: number
  readonly invalidTestFlags: number
  readonly logTo: Instant | null
  readonly customers: ReadonlyMap<string, readonly CustomerSegment[]>
  readonly subscriptions: readonly SubscriptionSegment[]
  /** By snapshot date. */
  readonly activity: ReadonlyMap<Instant, ActiveUsers>
  readonly totalUsers: ReadonlyMap<Instant, number>
  readonly marks: MarkCounts
  /** Owners of subscriptions whom `users` does not hold. */
  readonly unknownCustomers: ReadonlySet<string>
  /** By described day. */
  readonly days: ReadonlyMap<Instant, { readonly futureEvents: number; readonly unknownUsers: number }>
  readonly spend: readonly SpendRow[]
  readonly answers: readonly NpsAnswer[]
  /** Those who answered and whom `users` does not hold. */
  readonly unknownRespondents: ReadonlySet<string>
  /** Snapshot dates that no event precedes. */
  readonly beforeFirstEvent: ReadonlySet<Instant>
  readonly windowFrom?: Instant
}

const nobody: ActiveUsers = { dau: 0, wau: 0, mau: 0, userDays: 0 }

/** Cuts the material to each midnight and its windows, and computes the snapshot. */
export function assembleSnapshots(dates: readonly Instant[], material: SnapshotMaterial): ComputedSnapshot[] {
  const { config, customers, subscriptions } = material
  return dates.map((asOf) => {
    const window = windowOf(asOf, material.windowFrom)
    const balances = [...customers].map(([customer, segments]) => ({
      customer,
      asOf: mrrAtClosing(segments, asOf),
      windowFrom: mrrAtClosing(segments, window.windowFrom),
      days30Ago: mrrAtClosing(segments, window.days30Ago),
      months12Ago: mrrAtClosing(segments, window.months12Ago),
    }))
    const moved: CustomerSegment[] = []
    for (const segments of customers.values())
      for (const segment of segments) if (segment.from > window.windowFrom && segment.from <= asOf) moved.push(segment)
    const living: SubscriptionSegment[] = subscriptions.filter((segment) => isCurrent(segment, asOf))
    const spend = sumSpend(material.spend, window.windowFrom, asOf, config)
    const nps = computeNps(material.answers, asOf, config.npsWindowDays)
    const metrics = computeKpis({
      asOf,
      windowFrom: window.windowFrom,
      config,
      totalUsers: material.totalUsers.get(asOf) ?? 0,
      activity: material.activity.get(asOf) ?? nobody,
      balances,
      movements: computeMovements(moved),
      subscriptions: countSubscriptions(living, asOf),
      trials: countTrials(subscriptions, window.windowFrom, asOf),
      spend,
      nps,
    })
    const rollup = material.days.get(asOf - dayMs)
    const assumed = living.filter((segment) => segment.history === 'assumed').length
    const issues = countIssues(living)
    return {
      snapshot_date: new Date(asOf),
      day: describedDay(asOf),
      window_from: new Date(window.windowFrom),
      partial: false,
      metrics,
      data_quality: {
        ...emptyDataQuality(),
        ...issues,
        unconverted: issues.unconverted + spend.unconverted,
        invalid_amounts: issues.invalid_amounts + spend.invalidAmounts,
        invalid_test_flags: material.invalidTestFlags,
        invalid_dates: material.brokenDates + material.marks.invalidRows + spend.invalidDates,
        duplicate_provider_events: material.marks.duplicateRows,
        invalid_nps_scores: nps.invalidScores,
        expired_but_active: material.marks.expired.get(asOf) ?? 0,
        future_events: rollup?.futureEvents ?? 0,
        unknown_users: rollup?.unknownUsers ?? 0,
        unknown_respondents: nps.users.filter((user) => material.unknownRespondents.has(user)).length,
        unknown_customers: new Set(
          living.map(({ customer }) => customer).filter((customer) => material.unknownCustomers.has(customer)),
        ).size,
        assumed_subscriptions: assumed,
        invalid_config: material.problems,
        before_first_event: material.beforeFirstEvent.has(asOf),
        history: assumed > 0 ? ('assumed' as const) : ('log' as const),
      },
      inputs: { events_to: new Date(asOf), log_to: material.logTo === null ? null : new Date(material.logTo) },
    }
  })
}
