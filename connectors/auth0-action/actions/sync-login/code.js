/**
 * atlas-edge: post-login Action (Node 22, no npm modules). Paste this file as it is.
 *
 * Tells the edge of each login, and puts what the edge answers into the tokens: `<namespace>role`, `<namespace>roles`,
 * `<namespace>tenant`, `<namespace>synced`. A login never fails because the edge does (fail open); a role that the edge
 * did not confirm is never claimed (fail closed).
 *
 * Secrets:
 *   EDGE_URL          https://edge.example.com/app/<client app id>/endpoint
 *   EDGE_SYNC_SECRET  the secret that the endpoint /auth0/users verifies signatures with
 *   CLAIMS_NAMESPACE  https://your-domain.example/   (ends in a slash; an identifier, never fetched)
 *
 * Application metadata: `require_sync: "true"` denies the login when the edge refuses the signature.
 */
const { createHash, createHmac, randomUUID } = require('node:crypto')

const ATTEMPT_TIMEOUT_MS = 2500
// All Actions of a login share 20 s; this one takes at most 4 of them.
const TOTAL_BUDGET_MS = 4000
const RETRIED_STATUSES = [429, 502, 503, 504]
const CACHE_TTL_MS = 5 * 60 * 1000
const KNOWN_ROLES = ['viewer', 'analyst', 'admin']

exports.onExecutePostLogin = async (event, api) => {
  const assigned = event.authorization?.roles ?? []
  const setClaims = (role, synced) => {
    const namespace = event.secrets.CLAIMS_NAMESPACE
    if (!namespace) return
    const claims = { roles: assigned, synced, tenant: event.organization?.id ?? event.tenant?.id }
    if (KNOWN_ROLES.includes(role)) claims.role = role
    for (const [name, value] of Object.entries(claims)) {
      if (value === undefined) continue
      api.accessToken.setCustomClaim(namespace + name, value)
      api.idToken.setCustomClaim(namespace + name, value)
    }
  }

  const profile = profileOf(event)
  const cacheKey = shortHash(`atlas-edge:${event.user.user_id}`)
  const profileHash = shortHash(JSON.stringify(profile))
  const cached = readCache(api, cacheKey)
  // A refresh is no login of a person: it must neither count as one nor wait for anybody.
  if (event.transaction?.protocol === 'oauth2-refresh-token') {
    setClaims(cached?.role, cached !== undefined)
    return
  }
  if (cached !== undefined && cached.profile === profileHash) {
    setClaims(cached.role, true)
    return
  }

  const outcome = await sync(event, profile)
  if (outcome.kind === 'answered' && outcome.body.is_active === false) {
    dropCache(api, cacheKey)
    api.access.deny('Account is disabled')
    return
  }
  if (outcome.kind === 'answered') {
    const role = KNOWN_ROLES.includes(outcome.body.role) ? outcome.body.role : undefined
    writeCache(api, cacheKey, { profile: profileHash, role })
    setClaims(role, true)
    return
  }
  // No address, no token, no user id: Auth0 keeps 256 characters of this line for everybody with access to the tenant.
  console.log(`atlas-edge sync failed: ${outcome.reason} event=${outcome.eventId}`.slice(0, 256))
  if (outcome.kind === 'refused' && event.client?.metadata?.require_sync === 'true') {
    api.access.deny('Sign-in is not available for this application at the moment')
    return
  }
  setClaims(undefined, false)
}

/** What the edge is told; `user_metadata` is left out because the user can edit it. */
function profileOf(event) {
  return {
    tenant: event.tenant?.id,
    auth0_id: event.user.user_id,
    email: event.user.email,
    email_verified: event.user.email_verified,
    name: event.user.name,
    connection: event.connection?.name,
    client_id: event.client?.client_id,
    org_id: event.organization?.id,
    roles: event.authorization?.roles ?? [],
    identities: (event.user.identities ?? []).map(({ provider, user_id }) => `${provider}|${user_id}`),
  }
}

async function sync(event, profile) {
  const eventId = randomUUID()
  const { EDGE_URL, EDGE_SYNC_SECRET } = event.secrets
  if (!EDGE_URL || !EDGE_SYNC_SECRET)
    return { kind: 'failed', reason: 'EDGE_URL or EDGE_SYNC_SECRET is not set', eventId }
  const body = JSON.stringify({
    event_id: eventId,
    iat: Math.floor(Date.now() / 1000),
    type: 'login',
    ...profile,
    created_at: event.user.created_at,
    logins_count: event.stats?.logins_count,
    occurred_at: new Date().toISOString(),
  })
  const headers = {
    'Content-Type': 'application/json',
    'Endpoint-Signature': `sha256=${createHmac('sha256', EDGE_SYNC_SECRET).update(body).digest('hex')}`,
    'Idempotency-Key': `"${eventId}"`,
  }
  const url = `${EDGE_URL.replace(/\/$/, '')}/auth0/users`
  const deadline = Date.now() + TOTAL_BUDGET_MS
  let reason = 'not sent'
  for (let attempt = 0; attempt < 2; attempt++) {
    if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 200))
    const left = Math.min(ATTEMPT_TIMEOUT_MS, deadline - Date.now())
    if (left <= 0) break
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers,
        body,
        redirect: 'error',
        signal: AbortSignal.timeout(left),
      })
      if (response.ok) {
        const answer = parseAnswer(await response.text())
        return answer === undefined
          ? { kind: 'failed', reason: 'answer is no object', eventId }
          : { kind: 'answered', body: answer, eventId }
      }
      reason = `status ${response.status}`
      if (response.status === 401 || response.status === 403) return { kind: 'refused', reason, eventId }
      if (!RETRIED_STATUSES.includes(response.status)) break
    } catch (error) {
      // The name tells a timeout from a refused connection; the message may quote the URL.
      reason = error?.name === 'TimeoutError' ? 'timeout' : 'network'
    }
  }
  return { kind: 'failed', reason, eventId }
}

function parseAnswer(text) {
  try {
    const answer = JSON.parse(text)
    return answer !== null && typeof answer === 'object' ? answer : undefined
  } catch {
    return undefined
  }
}

function shortHash(text) {
  return createHash('sha256').update(text).digest('base64url').slice(0, 32)
}

/** The role that the edge confirmed within the last minutes. The cache is best effort: its failure is a miss. */
function readCache(api, key) {
  try {
    const found = api.cache?.get(key)
    const text = found?.record?.value ?? found?.value
    if (typeof text !== 'string') return undefined
    const entry = JSON.parse(text)
    return typeof entry?.until === 'number' && entry.until > Date.now() ? entry : undefined
  } catch {
    return undefined
  }
}

function writeCache(api, key, entry) {
  try {
    // `until` repeats the TTL: a confirmed role must not outlive it whatever the cache does.
    api.cache?.set(key, JSON.stringify({ ...entry, until: Date.now() + CACHE_TTL_MS }), { ttl: CACHE_TTL_MS })
  } catch {
    // A role that is not remembered is asked for again.
  }
}

function dropCache(api, key) {
  try {
    api.cache?.delete(key)
  } catch {
    // The entry ends by itself after CACHE_TTL_MS.
  }
}
