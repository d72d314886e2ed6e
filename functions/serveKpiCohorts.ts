import { startOfDay } from '../domain/instant.ts'
import type { Context, EndpointRequest, EndpointResponse } from '../runtime/context.ts'
import { InvalidArgument, optionalInstant } from './shared/arguments.ts'
import { allowParameters, parameter, respond } from './shared/respond.ts'

/** `GET /kpis/cohorts?as_of=`: `cohort_retention` and `usage_retention` as of a day, default today. */
export default async function serveKpiCohorts(
  context: Context,
  request: EndpointRequest,
  response: EndpointResponse,
): Promise<unknown> {
  return respond(context, response, () => {
    allowParameters(request, ['as_of'])
    const asOf = optionalInstant(parameter(request, 'as_of'), 'as_of') ?? startOfDay(Date.now())
    if (asOf > Date.now()) throw new InvalidArgument('as_of must not be in the future')
    return context.functions.execute('computeKpiCohorts', new Date(asOf))
  })
}
