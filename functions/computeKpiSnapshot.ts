import type { Context } from '../runtime/context.ts'
import { requireInstant } from './shared/arguments.ts'
import { type ComputeOptions, computeAndStore, parseComputeOptions } from './shared/compute-snapshot.ts'
import { computeRawSnapshot } from './shared/raw-snapshot.ts'
import type { ComputedSnapshot, StoredSnapshot } from './shared/snapshot.ts'

/**
 * Computes the snapshot as of an instant and, unless it is a dry run, no midnight or in the future, stores it.
 *
 * @param asOf a date, `YYYY-MM-DD` or an ISO date-time; what is no midnight UTC, or lies ahead, is `partial` and
 *   never stored
 * @param options `dry_run`: from the raw collections alone, nothing is written · `window_from`: start of the movement
 *   window, default 30 days before; a snapshot with a window of its own is not stored · `tables`: with
 *   `cohort_retention` and `usage_retention`, default true
 * @throws {Error} `InvalidArgument: ...` when an argument is no date, or `window_from` is not before `asOf`
 */
export default async function computeKpiSnapshot(
  context: Context,
  asOf: unknown,
  options?: unknown,
): Promise<ComputedSnapshot | StoredSnapshot> {
  const instant = requireInstant(asOf, 'as_of')
  const parsed: ComputeOptions = parseComputeOptions(options, instant)
  if (parsed.dryRun) return computeRawSnapshot(context, instant, parsed)
  return computeAndStore(context, instant, parsed)
}
