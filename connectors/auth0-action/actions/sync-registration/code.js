/**
 * atlas-edge: post-user-registration Action (Node 22, no npm modules). Paste this file as it is.
 *
 * Creates the row of a new database or passwordless user before the first login. Nothing waits for it: a lost call is
 * repaired by the login Action or by the log stream.
 *
 * Secrets: EDGE_URL and EDGE_SYNC_SECRET, as in the login Action.
 */
const { createHmac, randomUUID } = require('node:crypto')

exports.onExecutePostUserRegistration = async (event) => {
  const { EDGE_URL, EDGE_SYNC_SECRET } = event.secrets
  if (!EDGE_URL || !EDGE_SYNC_SECRET) return
  const eventId = randomUUID()
  const body = JSON.stringify({
    event_id: eventId,
    iat: Math.floor(Date.now() / 1000),
    type: 'registration',
    tenant: event.tenant?.id,
    auth0_id: event.user.user_id,
    email: event.user.email,
    // Whoever has just registered has proved nothing yet, whatever the profile says.
    email_verified: false,
    name: event.user.name,
    connection: event.connection?.name,
    occurred_at: new Date().toISOString(),
    created_at: event.user.created_at,
  })
  try {
    const response = await fetch(`${EDGE_URL.replace(/\/$/, '')}/auth0/users`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Endpoint-Signature': `sha256=${createHmac('sha256', EDGE_SYNC_SECRET).update(body).digest('hex')}`,
        'Idempotency-Key': `"${eventId}"`,
      },
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(2500),
    })
    if (!response.ok) console.log(`atlas-edge registration failed: status ${response.status} event=${eventId}`)
  } catch (error) {
    console.log(
      `atlas-edge registration failed: ${error?.name === 'TimeoutError' ? 'timeout' : 'network'} event=${eventId}`,
    )
  }
}
