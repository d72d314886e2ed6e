import { startOfDay } from '../domain/instant.ts'
import type { Context, EndpointRequest, EndpointResponse } from '../runtime/context.ts'
import { InvalidArgument } from './shared/arguments.ts'
import { periodOf } from './shared/period.ts'
import { allowParameters, parameter, respond } from './shared/respond.ts'

/**
 * `GET /kpis/movements?from=&to=&interval=`: the MRR movements of the days `[from, to)`, one row per `day` (default) or
 * `month`, between the MRR at `from` and at `to`; without dates the last 30 days.
 */
export default async function serveKpiMovements(
  context: Context,
  request: EndpointRequest,
  response: EndpointResponse,
): Promise<unknown> {
  return respond(context, response, () => {
    allowParameters(request, ['from', 'to', 'interval'])
    const { from, to } = periodOf(request, startOfDay(Date.now()), 30, 3_660)
    const interval = parameter(request, 'interval') ?? 'day'
    if (interval !== 'day' && interval !== 'month') throw new InvalidArgument('interval must be day or month')
    return context.functions.execute('computeKpiMovements', new Date(from), new Date(to), interval)
  })
}
