import type { KpiMetrics } from '../domain/kpi/compute-kpis.ts'
import type { Context } from '../runtime/context.ts'
import { computeRawSnapshot } from './shared/raw-snapshot.ts'

/** Live numbers; the six of the users' own function stay top-level. */
export interface CurrentMetrics extends KpiMetrics {
  readonly as_of: Date
  /** Always true: the running day is not over. */
  readonly partial: true
}

/**
 * Computes the metrics as of now, from the raw collections; stores nothing. Runs as the system, so that everybody who
 * may call it sees the numbers of everybody.
 */
export default async function getCurrentMetrics(context: Context): Promise<CurrentMetrics> {
  const now = Date.now()
  const { metrics } = await computeRawSnapshot(context, now, { quality: false })
  return { ...metrics, as_of: new Date(now), partial: true }
}
