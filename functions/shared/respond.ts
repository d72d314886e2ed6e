import type { Context, EndpointRequest, EndpointResponse } from '../../runtime/context.ts'
import { InvalidArgument } from './arguments.ts'

const readers = ['admin', 'analyst', 'viewer']

function refuse(response: EndpointResponse, status: number, code: string, message: string): void {
  response.setStatusCode(status)
  response.setHeader('Content-Type', 'application/json')
  response.setBody(JSON.stringify({ error: message, error_code: code }))
}

/**
 * Answers one KPI request: 403 for a user without a role, 400 for a query parameter that cannot be read, else what
 * `answer` returns. Failures of the server stay failures.
 */
export async function respond<T>(
  context: Context,
  response: EndpointResponse,
  answer: () => Promise<T> | T,
): Promise<T | undefined> {
  const role: unknown = context.user.custom_data.role
  if (!context.runningAsSystem() && !(typeof role === 'string' && readers.includes(role))) {
    refuse(response, 403, 'NoMatchingRuleFound', 'KPIs are for users with the role viewer, analyst or admin')
    return undefined
  }
  try {
    return await answer()
  } catch (error) {
    if (!(error instanceof InvalidArgument)) throw error
    refuse(response, 400, 'InvalidParameter', error.message)
    return undefined
  }
}

/** One query parameter; empty counts as absent. */
export function parameter(request: EndpointRequest, name: string): string | undefined {
  const value = request.query[name]
  return value === undefined || value === '' ? undefined : value
}

/** @throws {InvalidArgument} when the request has a parameter that the endpoint does not know: most likely a typo */
export function allowParameters(request: EndpointRequest, known: readonly string[]): void {
  for (const name of Object.keys(request.query))
    if (!known.includes(name))
      throw new InvalidArgument(
        `unknown parameter "${name}"${known.length > 0 ? `; there are: ${known.join(', ')}` : ''}`,
      )
}
