import type { Document } from 'bson'
import { createRemoteJWKSet, customFetch, type JWTPayload, jwtVerify } from 'jose'
import type { AuthProvider } from '../../schemas/app/definition.ts'
import { setOwn } from '../functions/values.ts'
import type { VerifiedCustomToken } from './custom-token.ts'

interface Issuer {
  readonly issuers: string[]
  readonly jwks: string
}

/** The identity providers whose id tokens a client may bring; their keys are public. */
const issuersOf: Readonly<Record<IdTokenProvider, Issuer>> = {
  'oauth2-google': {
    issuers: ['https://accounts.google.com', 'accounts.google.com'],
    jwks: 'https://www.googleapis.com/oauth2/v3/certs',
  },
  'oauth2-apple': { issuers: ['https://appleid.apple.com'], jwks: 'https://appleid.apple.com/auth/keys' },
}

export type IdTokenProvider = 'oauth2-google' | 'oauth2-apple'

/** Claims under the names that profiles use. */
const claimOf: Readonly<Record<string, string>> = { first_name: 'given_name', last_name: 'family_name' }

const maxTokenLength = 100_000

export interface IdTokenOptions {
  provider: AuthProvider
  fetch: typeof fetch
  now: () => Date
}

/** Verifies the id tokens of one provider: its keys, the app's client id as audience, domains, metadata. */
export function createIdTokenVerifier(type: IdTokenProvider, { provider, fetch, now }: IdTokenOptions) {
  const { issuers, jwks } = issuersOf[type]
  const keys = createRemoteJWKSet(new URL(jwks), { [customFetch]: (url, init) => fetch(url, init) })
  const clientIds = readClientIds(provider)
  const domains = provider.domain_restrictions ?? []
  return {
    /** The subject and metadata of a valid token; undefined for any other, whatever is wrong with it. */
    async verify(token: string): Promise<VerifiedCustomToken | undefined> {
      if (clientIds.length === 0 || token.length > maxTokenLength) return undefined
      const checks = {
        algorithms: ['RS256'],
        issuer: issuers,
        audience: clientIds,
        currentDate: now(),
        requiredClaims: ['exp'],
      }
      const verified = await jwtVerify(token, keys, checks).catch(() => undefined)
      const payload = verified?.payload
      if (payload === undefined || typeof payload.sub !== 'string' || payload.sub === '') return undefined
      if (domains.length > 0 && !isOfDomain(payload, domains)) return undefined
      const data = readMetadata(payload, provider.metadata_fields)
      return data === undefined ? undefined : { subject: payload.sub, data }
    },
  }
}

export type IdTokenVerifier = ReturnType<typeof createIdTokenVerifier>

function readClientIds({ config }: AuthProvider): string[] {
  const ids = Array.isArray(config.clientId) ? config.clientId : [config.clientId]
  return ids.filter((id) => typeof id === 'string').filter((id) => id !== '')
}

/** An address counts only when the issuer has verified it. */
function isOfDomain(payload: JWTPayload, domains: readonly string[]): boolean {
  if (typeof payload.email !== 'string' || payload.email_verified !== true) return false
  const domain = payload.email.split('@').at(-1)?.toLowerCase()
  return domains.some((allowed) => allowed.toLowerCase() === domain)
}

function readMetadata(payload: JWTPayload, fields: AuthProvider['metadata_fields']): Document | undefined {
  const data: Record<string, unknown> = {}
  for (const { name, required, field_name } of fields) {
    const claim = claimOf[name] ?? name
    const value = Object.hasOwn(payload, claim) ? payload[claim] : undefined
    if (value === undefined && required) return undefined
    if (value !== undefined) setOwn(data, field_name || name, value)
  }
  return data
}
