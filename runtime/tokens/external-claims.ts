import type { JWTPayload } from 'jose'
import type { IdentityProvider } from '../../schemas/app/identity-providers.ts'

/** What an issuer says of the bearer: plain data, so that it crosses to the host beside the database. */
export interface ExternalClaims {
  issuer: string
  subject: string
  /** True for a machine (client credentials): it has no row among the users. */
  isService: boolean
  clientId: string | undefined
  /** From the provider's namespace; a bare `role` is never read. */
  role: string | undefined
  roles: string[]
  tenant: string | undefined
  organization: string | undefined
  /** The claim `permissions` when present, else the words of `scope`. */
  permissions: string[]
  /** Seconds since 1970. */
  expiresAt: number
}

/** @param payload verified, with a `sub` */
export function readExternalClaims(
  payload: JWTPayload & { sub: string; exp: number },
  provider: IdentityProvider,
): ExternalClaims {
  const own = (name: string): unknown =>
    provider.claimsNamespace === undefined ? undefined : claim(payload, `${provider.claimsNamespace}${name}`)
  return {
    issuer: provider.issuer,
    subject: payload.sub,
    isService: payload.sub.endsWith('@clients') || payload.gty === 'client-credentials',
    // `azp` in Auth0's own profile of access tokens, `client_id` in RFC 9068.
    clientId: text(payload.azp) ?? text(payload.client_id),
    role: text(own(provider.roleClaim)),
    roles: texts(own('roles')),
    tenant: text(own('tenant')),
    organization: text(payload.org_id),
    permissions: Array.isArray(payload.permissions)
      ? texts(payload.permissions)
      : (text(payload.scope) ?? '').split(' ').filter((word) => word !== ''),
    expiresAt: payload.exp,
  }
}

function claim(payload: JWTPayload, name: string): unknown {
  return Object.hasOwn(payload, name) ? payload[name] : undefined
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}
