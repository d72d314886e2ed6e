/** The choices of `kpi_config` (spec: KPIs 2.2), read by every computation. */
export interface KpiConfig {
  /** ISO 4217, upper case. */
  readonly reportingCurrency: string
  /** 0..1; default 1. */
  readonly grossMargin: number
  /** Event types that happen to a user rather than being done by one. */
  readonly inactiveEventTypes: readonly string[]
  /** Default 90. */
  readonly npsWindowDays: number
  /** Days after which a snapshot is final; default 35. */
  readonly lateWindowDays: number
  /** Days a failed payment still counts as revenue; null: until cancelled. */
  readonly pastDueGraceDays: number | null
  /** Days that raw events are kept once their day is final; null: for ever. */
  readonly eventsRetentionDays: number | null
}

export const defaultKpiConfig: KpiConfig = {
  reportingCurrency: 'USD',
  grossMargin: 1,
  inactiveEventTypes: [
    'subscription_created',
    'subscription_updated',
    'subscription_cancelled',
    'payment_succeeded',
    'payment_failed',
    'email_sent',
    'push_sent',
  ],
  npsWindowDays: 90,
  lateWindowDays: 35,
  pastDueGraceDays: null,
  eventsRetentionDays: null,
}

/** What `kpi_config` holds, numbers already plain; unknown keys are ignored. */
export interface KpiConfigSource {
  readonly reporting_currency?: unknown
  readonly gross_margin?: unknown
  readonly inactive_event_types?: unknown
  readonly nps_window_days?: unknown
  readonly late_window_days?: unknown
  readonly past_due_grace_days?: unknown
  readonly events_retention_days?: unknown
}

/** Reads a configuration; a value out of range counts as absent and is named in `problems`. */
export function readKpiConfig(source: KpiConfigSource): { config: KpiConfig; problems: string[] } {
  const problems: string[] = []
  const read = <T>(key: keyof KpiConfigSource, fallback: T, accept: (value: unknown) => T | undefined): T => {
    const value = source[key]
    if (value === undefined || value === null) return fallback
    const accepted = accept(value)
    if (accepted === undefined) problems.push(key)
    return accepted ?? fallback
  }
  const numberFrom =
    (minimum: number, maximum = 36_500) =>
    (value: unknown): number | undefined =>
      typeof value === 'number' && value >= minimum && value <= maximum ? value : undefined
  const config: KpiConfig = {
    reportingCurrency: read('reporting_currency', defaultKpiConfig.reportingCurrency, (value) =>
      typeof value === 'string' && /^[A-Za-z]{3}$/.test(value) ? value.toUpperCase() : undefined,
    ),
    grossMargin: read('gross_margin', defaultKpiConfig.grossMargin, numberFrom(0, 1)),
    inactiveEventTypes: read('inactive_event_types', defaultKpiConfig.inactiveEventTypes, (value) =>
      Array.isArray(value) && value.every((type) => typeof type === 'string') ? [...value].sort() : undefined,
    ),
    npsWindowDays: read('nps_window_days', defaultKpiConfig.npsWindowDays, numberFrom(1)),
    lateWindowDays: read('late_window_days', defaultKpiConfig.lateWindowDays, numberFrom(0)),
    pastDueGraceDays: read<number | null>('past_due_grace_days', null, numberFrom(0)),
    eventsRetentionDays: read<number | null>('events_retention_days', null, numberFrom(1)),
  }
  return { config, problems }
}
