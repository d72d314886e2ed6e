import type { Flow } from '../../../runtime/users/oauth/flows.ts'
import { flowLifetimeMs } from '../../../runtime/users/oauth/flows.ts'
import { type HostRequest, headerOf } from '../../host-request.ts'

/** Where identity providers send browsers back to, as on the original service. */
export const callbackPath = '/api/client/v2.0/auth/callback'

/** One for each flow, so that two windows do not disturb each other. */
function cookieName({ id }: Flow): string {
  return `atlas_edge_flow_${id}`
}

/**
 * Ties a flow to the browser that started it: without it, anybody could have somebody else's browser finish a flow, and
 * link that person's identity to an account of theirs. A form that Apple sends comes from another site, and so does a
 * page that links, so the cookie says `SameSite=None` wherever browsers allow that.
 */
export function flowCookie(flow: Flow): string {
  return `${cookieName(flow)}=${flow.browserKey}; Max-Age=${flowLifetimeMs / 1000}; ${attributes(flow)}`
}

export function clearedFlowCookie(flow: Flow): string {
  return `${cookieName(flow)}=; Max-Age=0; ${attributes(flow)}`
}

function attributes({ callbackUrl }: Flow): string {
  const site = callbackUrl.startsWith('https:') ? 'SameSite=None; Secure' : 'SameSite=Lax'
  return `Path=${callbackPath}; HttpOnly; ${site}`
}

/** '' without the cookie. */
export function browserKeyOf(request: HostRequest, flow: Flow): string {
  const wanted = `${cookieName(flow)}=`
  const pairs = (headerOf(request, 'cookie') ?? '').split(';').map((pair) => pair.trim())
  return pairs.find((pair) => pair.startsWith(wanted))?.slice(wanted.length) ?? ''
}
