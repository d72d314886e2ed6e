import { type Instant, isMidnight } from '../../domain/instant.ts'
import { monthWindowMs } from '../../domain/kpi/active-users.ts'
import type { Context } from '../../runtime/context.ts'
import { InvalidArgument, optionalBoolean, optionalInstant, optionsRecord } from './arguments.ts'
import { countBrokenDates } from './broken-dates.ts'
import { computeDerivedSnapshots } from './derived-snapshots.ts'
import { computeRawSnapshot } from './raw-snapshot.ts'
import { readConfig } from './read-config.ts'
import { rollUpDays } from './rollup.ts'
import { refreshSegments } from './segment-store.ts'
import type { ComputedSnapshot } from './snapshot.ts'
import { storeSnapshots } from './snapshot-store.ts'
import { readTables } from './tables.ts'

export interface ComputeOptions {
  readonly dryRun: boolean
  readonly tables: boolean
  readonly windowFrom?: Instant
}

/** @throws {InvalidArgument} on an option of another type, or a window that does not begin before `asOf` */
export function parseComputeOptions(value: unknown, asOf: Instant): ComputeOptions {
  const options = optionsRecord(value)
  const windowFrom = optionalInstant(options.window_from ?? options.windowFrom, 'window_from')
  if (windowFrom !== undefined && windowFrom >= asOf) throw new InvalidArgument('window_from must be before as_of')
  return {
    dryRun: optionalBoolean(options.dry_run ?? options.dryRun, 'dry_run', false),
    tables: optionalBoolean(options.tables, 'tables', true),
    ...(windowFrom === undefined ? {} : { windowFrom }),
  }
}

/**
 * Brings the derived collections up to date for one snapshot, computes it from them and stores it. What cannot be
 * stored (no midnight, a window of its own, a day that is not over) is computed from the raw collections and only
 * returned.
 */
export async function computeAndStore(
  context: Context,
  asOf: Instant,
  options: ComputeOptions,
): Promise<ComputedSnapshot> {
  const now = new Date()
  if (asOf > now.getTime()) return { ...(await computeRawSnapshot(context, asOf, options)), partial: true }
  if (!isMidnight(asOf) || options.windowFrom !== undefined) return computeRawSnapshot(context, asOf, options)
  const { config, problems } = await readConfig(context)
  await rollUpDays(context, asOf - monthWindowMs, asOf, config, now)
  const { logTo } = await refreshSegments(context, config, now)
  const readAt = new Date()
  const [snapshot] = await computeDerivedSnapshots(context, [asOf], {
    config,
    problems: problems.length,
    logTo,
    brokenDates: await countBrokenDates(context),
  })
  if (snapshot === undefined) throw new Error('one date gives one snapshot')
  await storeSnapshots(context, [snapshot], { readAt, lateWindowDays: config.lateWindowDays, force: true })
  if (!options.tables) return snapshot
  return { ...snapshot, metrics: { ...snapshot.metrics, ...(await readTables(context, asOf, config)) } }
}
