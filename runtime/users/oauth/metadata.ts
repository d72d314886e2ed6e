import type { Document } from 'bson'
import type { AuthProvider } from '../../../schemas/app/definition.ts'
import { setOwn } from '../../functions/values.ts'
import { isRecord } from './ask-provider.ts'

type Fields = Readonly<Record<string, unknown>>

const maxMetadataLength = 4096

/**
 * The fields that the app wants in profiles. A field that the account does not have, or the person did not share, is
 * left out, "required" or not: "if a metadata field is required and exists for a particular user, it will be included"
 * (App Services docs, Google and Facebook authentication).
 */
export function readMetadata({ metadata_fields }: AuthProvider, read: (name: string) => unknown): Document {
  const data: Record<string, unknown> = {}
  for (const { name, field_name } of metadata_fields) {
    const value = read(name)
    if (value !== undefined && value !== null && JSON.stringify(value).length <= maxMetadataLength)
      setOwn(data, field_name || name, value)
  }
  return data
}

/** Claims of OpenID Connect under the names that profiles use. */
const claimOf: Readonly<Record<string, string>> = { first_name: 'given_name', last_name: 'family_name' }

export function readClaim(claims: Fields, name: string): unknown {
  return own(claims, Object.hasOwn(claimOf, name) ? (claimOf[name] ?? name) : name)
}

/** Fields of Graph under the names that profiles use. */
const graphFieldOf: Readonly<Record<string, string>> = { min_age: 'age_range', max_age: 'age_range' }

/** What to ask Graph for. */
export function graphFields(names: readonly string[]): string[] {
  const known = names.filter((name) => /^[a-z_]{1,40}$/.test(name))
  return [...new Set(['id', ...known.map((name) => graphFieldOf[name] ?? name)])]
}

export function readGraphField(me: Fields, name: string): unknown {
  if (name === 'min_age' || name === 'max_age') {
    const range = own(me, 'age_range')
    return isRecord(range) ? own(range, name.slice(0, 3)) : undefined
  }
  const value = own(me, name)
  if (name !== 'picture') return value
  const picture = isRecord(value) ? own(value, 'data') : undefined
  return isRecord(picture) ? own(picture, 'url') : undefined
}

function own(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined
}

/** True where every domain may log in, and for an address of a listed one. */
export function isOfAllowedDomain({ domain_restrictions = [] }: AuthProvider, verifiedEmail: unknown): boolean {
  if (domain_restrictions.length === 0) return true
  if (typeof verifiedEmail !== 'string') return false
  const domain = verifiedEmail.split('@').at(-1)?.toLowerCase()
  return domain_restrictions.some((allowed) => allowed.toLowerCase() === domain)
}

/** An address counts only when the issuer has verified it; Apple writes booleans as text. */
export function verifiedEmailOf(claims: Fields): unknown {
  const verified = own(claims, 'email_verified')
  return verified === true || verified === 'true' ? own(claims, 'email') : undefined
}

/** True when the app wants one of these fields. */
export function wantsAny({ metadata_fields }: AuthProvider, names: readonly string[]): boolean {
  return metadata_fields.some(({ name }) => names.includes(name))
}

/** The address is needed for the profile or for the list of domains. */
export function wantsEmail(provider: AuthProvider): boolean {
  return wantsAny(provider, ['email']) || (provider.domain_restrictions ?? []).length > 0
}
