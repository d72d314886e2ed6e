import type { AppDefinition } from '../schemas/app/definition.ts'

/** The log entry of a request, as the original service's errors linked it. */
export function logLink(definition: AppDefinition, origin: string, requestId: string): string {
  return `${origin}/groups/${definition.groupId}/apps/${definition.appId}/logs?co_id=${requestId}`
}
