import type { Document } from 'bson'
import { startOfDay } from '../domain/instant.ts'
import { kpiDefinitions } from '../domain/kpi/definitions.ts'
import type { Context, EndpointRequest, EndpointResponse } from '../runtime/context.ts'
import { InvalidArgument } from './shared/arguments.ts'
import { collectionOf } from './shared/database.ts'
import { periodOf } from './shared/period.ts'
import { allowParameters, parameter, respond } from './shared/respond.ts'

const mostDays = 3_660

export interface SnapshotsAnswer {
  readonly from: Date
  readonly to: Date
  /** Ascending by `snapshot_date`. */
  readonly snapshots: readonly Document[]
}

/**
 * `GET /kpis/snapshots?from=&to=&metrics=`: the stored snapshots of `[from, to]`, both included; without dates the last
 * 90 days. `metrics` is a comma-separated list of names; without it all are answered. Reads as the caller, under the
 * rules of `kpi_snapshots`.
 */
export default async function serveKpiSnapshots(
  context: Context,
  request: EndpointRequest,
  response: EndpointResponse,
): Promise<SnapshotsAnswer | undefined> {
  return respond(context, response, async () => {
    allowParameters(request, ['from', 'to', 'metrics'])
    const { from, to } = periodOf(request, startOfDay(Date.now()), 90, mostDays)
    const names = metricNames(parameter(request, 'metrics'))
    const projection: Document = { _id: 0, snapshot_date: 1, day: 1, final: 1, revision: 1, computed_at: 1 }
    if (names === null) Object.assign(projection, { metrics: 1, data_quality: 1 })
    else for (const name of names) projection[`metrics.${name}`] = 1
    const snapshots = await collectionOf(context, 'kpi_snapshots')
      .find({ snapshot_date: { $gte: new Date(from), $lte: new Date(to) } }, projection)
      .sort({ snapshot_date: 1 })
      .toArray()
    return { from: new Date(from), to: new Date(to), snapshots }
  })
}

/** Null: all. @throws {InvalidArgument} on a name that no snapshot has */
function metricNames(text: string | undefined): string[] | null {
  if (text === undefined) return null
  const names = text.split(',').map((name) => name.trim())
  const known = new Set(kpiDefinitions.filter((definition) => definition.stored).map((definition) => definition.name))
  for (const name of names)
    if (!known.has(name)) throw new InvalidArgument(`unknown metric "${name}"; GET /kpis/definitions lists them`)
  return names
}
