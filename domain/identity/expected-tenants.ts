/**
 * True when a message of `tenant` counts here. `configured` is the value `auth0Tenants`: the ids of our Auth0 tenants, or
 * nothing, which accepts any.
 *
 * @param isRequired refuses a message that does not name its tenant; doors whose messages always carry one set it
 */
export function isExpectedTenant(tenant: string | undefined, configured: unknown, isRequired: boolean): boolean {
  if (!Array.isArray(configured) || configured.length === 0) return true
  return tenant === undefined ? !isRequired : configured.includes(tenant)
}
