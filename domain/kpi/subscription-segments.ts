import { dayMs, type Instant, openEnd } from '../instant.ts'
import { isPositive, type Money, zeroMoney } from '../money.ts'
import type { KpiConfig } from './config.ts'
import { contributionOf, type StateIssue } from './contribution.ts'
import type { LogRow, SubscriptionDocument, SubscriptionState } from './subscription-row.ts'

/**
 * A stretch of time in which one state of a subscription was current: as of T when `from < T <= to`. Only stretches that
 * some number needs are kept: paying ones, trials, and those with an amount that was not taken as typed. `expired` marks
 * the end of a state that still says active (`from` = `to` = that end), `expired_resolved` the change that came later.
 */
export interface SubscriptionSegment {
  readonly subscription: string
  readonly customer: string
  readonly from: Instant
  readonly to: Instant
  readonly status: string
  /** Monthly value; positive exactly when the stretch is paying. */
  readonly value: Money
  readonly issue: StateIssue | null
  /** The state that began at `to`; null when none did. */
  readonly next: { readonly status: string; readonly paying: boolean } | null
  readonly history: 'log' | 'assumed'
}

export interface SegmentedSubscription {
  readonly segments: readonly SubscriptionSegment[]
  /** Rows that were left out because another row has the same `provider_event_id`. */
  readonly duplicates: number
}

/** A total order that does not depend on the order of insertion. */
function compareRows(a: LogRow, b: LogRow): number {
  return (
    a.effectiveAt - b.effectiveAt ||
    a.seq - b.seq ||
    (a.recordedAt ?? 0) - (b.recordedAt ?? 0) ||
    compareText(JSON.stringify(a), JSON.stringify(b))
  )
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** Which of several rows of one `provider_event_id` counts: the one recorded first. */
export function compareArrivals(a: LogRow, b: LogRow): number {
  return (a.recordedAt ?? 0) - (b.recordedAt ?? 0) || compareRows(a, b)
}

function withoutDuplicates(rows: readonly LogRow[]): LogRow[] {
  const byProvider = new Map<string, LogRow>()
  const kept: LogRow[] = []
  for (const row of [...rows].sort(compareArrivals)) {
    if (row.providerEventId !== null) {
      if (byProvider.has(row.providerEventId)) continue
      byProvider.set(row.providerEventId, row)
    }
    kept.push(row)
  }
  return kept
}

interface Stretch {
  readonly state: SubscriptionState
  readonly customer: string
  readonly from: Instant
  readonly to: Instant
  readonly endedBySchedule: boolean
  readonly history: 'log' | 'assumed'
}

/**
 * Cuts the change log of one subscription into segments (spec: KPIs 3.1). Rows may come in any order; a row replaced at
 * the same instant never existed; a scheduled end needs no further row.
 */
export function segmentsFromLog(rows: readonly LogRow[], config: KpiConfig): SegmentedSubscription {
  const unique = withoutDuplicates(rows).sort(compareRows)
  const steps = unique.filter((row, index) => unique[index + 1]?.effectiveAt !== row.effectiveAt)
  const owner = unique.find((row) => row.customer !== null)?.customer ?? null
  const stretches: Stretch[] = []
  const resolutions = new Map<Instant, Instant>()
  for (const [index, row] of steps.entries()) {
    if (row.status === 'cancelled') continue
    const next = steps[index + 1]?.effectiveAt ?? openEnd
    const to = row.endDate === null ? next : Math.max(row.effectiveAt, Math.min(next, row.endDate))
    if (to < next && next < openEnd) resolutions.set(to, next)
    stretches.push({
      state: row,
      customer: row.customer ?? owner ?? anonymousCustomer(row.subscription),
      from: row.effectiveAt,
      to,
      endedBySchedule: to < next,
      history: row.assumed ? 'assumed' : 'log',
    })
  }
  const subscription = rows[0]?.subscription ?? ''
  return {
    segments: toSegments(subscription, stretches, resolutions, config),
    duplicates: rows.length - unique.length,
  }
}

/**
 * Reads a subscription that has no change log (spec: KPIs 3.2): its present state on `[start_date, end_date)`, or until
 * `updated_at` when it is cancelled without an end. Null when it has no usable start or end.
 */
export function segmentsFromDocument(
  document: SubscriptionDocument,
  config: KpiConfig,
): readonly SubscriptionSegment[] | null {
  const from = document.startDate ?? document.createdAt
  if (from === null) return null
  const cancelled = document.status === 'cancelled'
  const end = document.endDate ?? (cancelled ? document.updatedAt : openEnd)
  if (end === null) return null
  const state: SubscriptionState = cancelled ? { ...document, status: 'active' } : document
  const stretch: Stretch = {
    state,
    customer: document.customer ?? anonymousCustomer(document.subscription),
    from,
    to: Math.max(from, end),
    endedBySchedule: !cancelled && document.endDate !== null,
    history: 'assumed',
  }
  return toSegments(document.subscription, [stretch], new Map(), config)
}

/** A subscription without owner is a customer of its own: its revenue is real, whoever pays. */
export function anonymousCustomer(subscription: string): string {
  return `subscription:${subscription}`
}

function toSegments(
  subscription: string,
  stretches: readonly Stretch[],
  resolutions: ReadonlyMap<Instant, Instant>,
  config: KpiConfig,
): SubscriptionSegment[] {
  const segments: SubscriptionSegment[] = []
  const graceMs = config.pastDueGraceDays === null ? null : config.pastDueGraceDays * dayMs
  let pastDueSince: Instant | null = null
  for (const [index, stretch] of stretches.entries()) {
    const { state, customer, from, history } = stretch
    const status = state.status ?? ''
    const previous = stretches[index - 1]
    if (status !== 'past_due') pastDueSince = null
    else if (pastDueSince === null || previous === undefined || previous.to !== from) pastDueSince = from
    const graceEnds = graceMs !== null && pastDueSince !== null ? pastDueSince + graceMs : openEnd
    const to = Math.min(stretch.to, Math.max(from, graceEnds))
    const following = stretches[index + 1]
    const next =
      following !== undefined && following.from === to
        ? {
            status: following.state.status ?? '',
            paying: isPositive(contributionOf(following.state, config).value),
          }
        : null
    const { value, issue } = contributionOf(state, config)
    if (to > from && (isPositive(value) || status === 'trialing' || issue !== null))
      segments.push({ subscription, customer, from, to, status, value, issue, next, history })
    if (stretch.endedBySchedule && status === 'active') {
      const mark = { subscription, customer, value: zeroMoney, issue: null, next: null, history }
      segments.push({ ...mark, from: stretch.to, to: stretch.to, status: 'expired' })
      const resolved = resolutions.get(stretch.to)
      if (resolved !== undefined) segments.push({ ...mark, from: resolved, to: resolved, status: 'expired_resolved' })
    }
  }
  return segments
}

/** True when the segment is the current one as of `asOf`. */
export function isCurrent(segment: { from: Instant; to: Instant }, asOf: Instant): boolean {
  return segment.from < asOf && asOf <= segment.to
}
