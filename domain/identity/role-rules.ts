import { higherRole, isRole, type Role } from './role.ts'

/** The value `auth0RoleRules`: how a first role follows from what Auth0 says of a person. */
export interface RoleRules {
  /** Role of everyone no rule names. */
  readonly default_role: Role
  /** Auth0 role name (lower case) to role. Roles come from Auth0's own assignment, never from an address. */
  readonly role_names: Readonly<Record<string, Role>>
  /** Staff by address: only verified, only through the named enterprise connection, and never `admin`. */
  readonly staff_domains: readonly { readonly domain: string; readonly connection: string; readonly role: Role }[]
}

export interface RoleEvidence {
  readonly email?: string
  readonly email_verified?: boolean
  readonly connection?: string
  /** Role names as Auth0 assigned them. */
  readonly roles?: readonly string[]
}

const safeDefaults: RoleRules = { default_role: 'viewer', role_names: {}, staff_domains: [] }

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The rules as configured. What is malformed is left out, down to "everybody is a viewer"; so is a staff domain that
 * would give `admin`: admins are named by an admin, not by a mail domain.
 */
export function parseRoleRules(value: unknown): RoleRules {
  if (!isRecord(value)) return safeDefaults
  const names: Record<string, Role> = {}
  if (isRecord(value.role_names))
    for (const [name, role] of Object.entries(value.role_names)) if (isRole(role)) names[name.toLowerCase()] = role
  const domains = Array.isArray(value.staff_domains) ? value.staff_domains.filter(isRecord) : []
  return {
    default_role: isRole(value.default_role) ? value.default_role : safeDefaults.default_role,
    role_names: names,
    staff_domains: domains.flatMap(({ domain, connection, role }) =>
      typeof domain === 'string' && typeof connection === 'string' && isRole(role) && role !== 'admin'
        ? [{ domain: domain.toLowerCase(), connection, role }]
        : [],
    ),
  }
}

function domainOf(email: string): string {
  return email.slice(email.lastIndexOf('@') + 1).toLowerCase()
}

/**
 * The role that follows from `evidence`: the highest of the default, the Auth0 roles, and a staff domain whose address
 * is verified and came through its own enterprise connection.
 *
 * @see spec: clients 1.11, defects 1 to 3: an unverified or look-alike address proves nothing
 */
export function roleFor(evidence: RoleEvidence, rules: RoleRules): Role {
  let role = rules.default_role
  for (const name of evidence.roles ?? []) {
    // A role named like a property of every object (`constructor`) finds a function there, not a role.
    const mapped: unknown = rules.role_names[name.toLowerCase()]
    if (isRole(mapped)) role = higherRole(role, mapped)
  }
  if (evidence.email !== undefined && evidence.email_verified === true) {
    const domain = domainOf(evidence.email)
    for (const rule of rules.staff_domains)
      if (rule.domain === domain && rule.connection === evidence.connection) role = higherRole(role, rule.role)
  }
  return role
}
