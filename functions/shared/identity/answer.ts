import type { EndpointResponse } from '../../../runtime/context.ts'

/** Answers with JSON. */
export function answer(response: EndpointResponse, status: number, body: object): void {
  response.setStatusCode(status)
  response.setHeader('Content-Type', 'application/json')
  response.setBody(JSON.stringify(body))
}
