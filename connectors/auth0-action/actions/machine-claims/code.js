/**
 * atlas-edge: credentials-exchange Action (Node 22, no npm modules). Paste this file as it is.
 *
 * Marks the access token of a machine with what an admin wrote into the application's metadata: `tenant`, and `role`
 * (`viewer` or `analyst`; a machine never becomes an admin through metadata).
 *
 * Secrets: CLAIMS_NAMESPACE, as in the login Action.
 */
const MACHINE_ROLES = ['viewer', 'analyst']

exports.onExecuteCredentialsExchange = async (event, api) => {
  const namespace = event.secrets.CLAIMS_NAMESPACE
  if (!namespace) return
  const { tenant, role } = event.client?.metadata ?? {}
  api.accessToken.setCustomClaim(`${namespace}service`, event.client.client_id)
  if (typeof tenant === 'string' && tenant !== '') api.accessToken.setCustomClaim(`${namespace}tenant`, tenant)
  if (MACHINE_ROLES.includes(role)) api.accessToken.setCustomClaim(`${namespace}roles`, [role])
}
