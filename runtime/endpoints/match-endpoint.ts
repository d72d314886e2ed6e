import type { Endpoint } from '../../schemas/app/definition.ts'

/** Index of the endpoint that serves a route and method; a named method goes before `*`. -1 when none does. */
export function matchEndpoint(endpoints: readonly Endpoint[], route: string, method: string): number {
  const serves = (endpoint: Endpoint, httpMethod: string) =>
    !endpoint.disabled && endpoint.route === route && endpoint.http_method === httpMethod
  const exact = endpoints.findIndex((endpoint) => serves(endpoint, method))
  return exact >= 0 ? exact : endpoints.findIndex((endpoint) => serves(endpoint, '*'))
}
