import type { Context } from '../runtime/context.ts'
import { requireInstant } from './shared/arguments.ts'
import { readConfig } from './shared/read-config.ts'
import { refreshSegments } from './shared/segment-store.ts'
import type { KpiTables } from './shared/snapshot.ts'
import { readTables } from './shared/tables.ts'

/** Computes the cohort tables as of an instant. @throws {Error} `InvalidArgument: ...` when `asOf` is no date */
export default async function computeKpiCohorts(context: Context, asOf: unknown): Promise<{ as_of: Date } & KpiTables> {
  const instant = requireInstant(asOf, 'as_of')
  const { config } = await readConfig(context)
  await refreshSegments(context, config, new Date())
  return { as_of: new Date(instant), ...(await readTables(context, instant, config)) }
}
