import { parseInstant } from '../../../../domain/instant.ts'
import { defaultKpiConfig, type KpiConfig } from '../../../../domain/kpi/config.ts'
import type { LogRow, SubscriptionDocument } from '../../../../domain/kpi/subscription-row.ts'
import { type SubscriptionSegment, segmentsFromLog } from '../../../../domain/kpi/subscription-segments.ts'

/** An instant in March 2024 unless the month is written: `5`, `5 12:00`, `2024-01-05`. */
export function at(text: string | number): number {
  const [date, time] = String(text).split(' ')
  const full = /^\d+$/.test(date!) ? `2024-03-${date!.padStart(2, '0')}` : date!
  const instant = parseInstant(time === undefined ? full : `${full}T${time}Z`)
  if (instant === null) throw new RangeError(text.toString())
  return instant
}

const state = {
  status: 'active',
  plan: 'pro',
  billingCycle: null,
  amount: null,
  mrr: 100,
  currency: null,
  fxRate: null,
  endDate: null,
} as const

export function row(effectiveAt: string | number, overrides: Partial<LogRow> = {}): LogRow {
  return {
    ...state,
    subscription: 's1',
    customer: 'c1',
    effectiveAt: at(effectiveAt),
    recordedAt: null,
    seq: 0,
    providerEventId: null,
    assumed: false,
    ...overrides,
  }
}

export function document(overrides: Partial<SubscriptionDocument> = {}): SubscriptionDocument {
  return {
    ...state,
    subscription: 's1',
    customer: 'c1',
    startDate: at(1),
    createdAt: null,
    updatedAt: null,
    ...overrides,
  }
}

/** Segments of several subscriptions' rows. */
export function segments(rows: readonly LogRow[], config: KpiConfig = defaultKpiConfig): SubscriptionSegment[] {
  const names = [...new Set(rows.map(({ subscription }) => subscription))]
  return names.flatMap((name) => [
    ...segmentsFromLog(
      rows.filter(({ subscription }) => subscription === name),
      config,
    ).segments,
  ])
}
