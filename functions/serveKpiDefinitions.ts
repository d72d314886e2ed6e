import { type KpiDefinition, kpiDefinitions } from '../domain/kpi/definitions.ts'
import type { Context, EndpointRequest, EndpointResponse } from '../runtime/context.ts'
import { allowParameters, respond } from './shared/respond.ts'

/** `GET /kpis/definitions`: how each number is defined, so that a dashboard can show it beside the number. */
export default async function serveKpiDefinitions(
  context: Context,
  request: EndpointRequest,
  response: EndpointResponse,
): Promise<{ definitions: readonly KpiDefinition[] } | undefined> {
  return respond(context, response, () => {
    allowParameters(request, [])
    return { definitions: kpiDefinitions }
  })
}
