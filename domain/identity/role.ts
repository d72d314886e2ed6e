/** What a person may do, lowest first. */
export const roles = ['viewer', 'analyst', 'admin'] as const

export type Role = (typeof roles)[number]

export function isRole(value: unknown): value is Role {
  return roles.some((role) => role === value)
}

/** The one of the two that may do more. */
export function higherRole(one: Role, other: Role): Role {
  return roles.indexOf(one) >= roles.indexOf(other) ? one : other
}
