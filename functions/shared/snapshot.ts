import type { Instant } from '../../domain/instant.ts'
import type { CohortRow } from '../../domain/kpi/cohort-retention.ts'
import type { KpiMetrics } from '../../domain/kpi/compute-kpis.ts'
import type { DataQuality } from '../../domain/kpi/data-quality.ts'
import type { UsageRow } from '../../domain/kpi/usage-retention.ts'

/** The two tables of a snapshot; answered on request and not stored, they would outgrow the numbers. */
export interface KpiTables {
  readonly cohort_retention: readonly CohortRow[]
  readonly usage_retention: readonly UsageRow[]
}

/** What a computation says about one instant. */
export interface ComputedSnapshot {
  readonly snapshot_date: Date
  /** The day that the snapshot describes: T - 24 h. */
  readonly day: Date
  readonly window_from: Date
  /** True when `snapshot_date` is no midnight: a live result, never stored. */
  readonly partial: boolean
  readonly metrics: KpiMetrics & Partial<KpiTables>
  readonly data_quality: DataQuality
  readonly inputs: { readonly events_to: Date; readonly log_to: Date | null }
}

/** A document of `kpi_snapshots`. */
export interface StoredSnapshot {
  readonly snapshot_date: Date
  readonly day: Date
  readonly metrics: KpiMetrics
  readonly data_quality: DataQuality
  readonly inputs: { readonly events_to: Date; readonly log_to: Date | null }
  readonly computed_at: Date
  readonly created_at: Date
  readonly revision: number
  readonly final: boolean
}

export function describedDay(asOf: Instant): Date {
  return new Date(asOf - 86_400_000)
}
