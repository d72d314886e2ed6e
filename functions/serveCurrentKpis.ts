import type { Context, EndpointRequest, EndpointResponse } from '../runtime/context.ts'
import { allowParameters, respond } from './shared/respond.ts'

/** `GET /kpis/current`: the live metrics, with `as_of` and `partial: true`. */
export default async function serveCurrentKpis(
  context: Context,
  request: EndpointRequest,
  response: EndpointResponse,
): Promise<unknown> {
  return respond(context, response, () => {
    allowParameters(request, [])
    return context.functions.execute('getCurrentMetrics')
  })
}
