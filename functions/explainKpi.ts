import { kpiDefinitions } from '../domain/kpi/definitions.ts'
import type { Context } from '../runtime/context.ts'
import { InvalidArgument, optionalInstant, optionsRecord, requireInstant } from './shared/arguments.ts'
import { collectionOf } from './shared/database.ts'
import { type ExplainedRow, explainRows } from './shared/explain-rows.ts'
import { computeRawSnapshot } from './shared/raw-snapshot.ts'

/** Rows of one answer; more are counted, not listed. */
const mostRows = 10_000

export interface Explanation {
  readonly metric: string
  readonly as_of: Date
  readonly window_from: Date
  readonly definition: string
  /** Computed from the raw collections now. */
  readonly value: unknown
  /** What the stored snapshot says; null without one. */
  readonly stored: unknown
  /** Other metrics that the number is made of. */
  readonly components: Readonly<Record<string, unknown>>
  /** Days whose raw events expire or have expired: their people come from `user_activity_daily`, or are unknown. */
  readonly expired_days: readonly Date[]
  readonly row_count: number
  /** The documents behind the number: which customers churned, which trials converted. */
  readonly rows: readonly ExplainedRow[]
}

/**
 * Lists what makes one metric as of an instant, from the raw collections.
 *
 * @param options `window_from`, as for computeKpiSnapshot
 * @throws {Error} `InvalidArgument: ...` when the metric is unknown or a date is none
 */
export default async function explainKpi(
  context: Context,
  metric: unknown,
  asOf: unknown,
  options?: unknown,
): Promise<Explanation> {
  const definition = kpiDefinitions.find((candidate) => candidate.name === metric)
  if (definition === undefined)
    throw new InvalidArgument(
      `unknown metric "${String(metric)}"; there are: ${kpiDefinitions.map(({ name }) => name).join(', ')}`,
    )
  const instant = requireInstant(asOf, 'as_of')
  const windowFrom = optionalInstant(optionsRecord(options).window_from, 'window_from')
  if (windowFrom !== undefined && windowFrom >= instant) throw new InvalidArgument('window_from must be before as_of')
  const window = windowFrom === undefined ? {} : { windowFrom }
  const snapshot = await computeRawSnapshot(context, instant, { ...window, tables: definition.unit === 'table' })
  const metrics: Record<string, unknown> = { ...snapshot.metrics }
  const document = await collectionOf(context, 'kpi_snapshots').findOne({ snapshot_date: new Date(instant) })
  const { rows, components, expired } = await explainRows(
    context,
    definition.name,
    instant,
    snapshot.window_from.getTime(),
  )
  return {
    metric: definition.name,
    as_of: snapshot.snapshot_date,
    window_from: snapshot.window_from,
    definition: definition.definition,
    value: metrics[definition.name] ?? null,
    // What is stored is of the 30 days before, never of a window of one's own.
    stored: windowFrom === undefined ? (document?.metrics?.[definition.name] ?? null) : null,
    components: Object.fromEntries(components.map((name) => [name, metrics[name] ?? null])),
    expired_days: expired.map((day) => new Date(day)),
    row_count: rows.length,
    rows: rows.slice(0, mostRows),
  }
}
