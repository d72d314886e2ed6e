import { type Document, ObjectId } from 'bson'
import type { MongoClient } from 'mongodb'
import { isRole, roles } from '../../domain/identity/role.ts'
import type { AppDefinition } from '../../schemas/app/definition.ts'
import type { IdentityProvider } from '../../schemas/app/identity-providers.ts'
import { AppError } from '../errors.ts'
import type { ExternalClaims } from '../tokens/external-claims.ts'
import type { User } from '../user.ts'
import { sha256Hex } from './hash.ts'

/** A person who was switched off keeps a valid token no longer than this. */
export const rowCacheMs = 30_000
const maxCachedRows = 10_000

export interface ExternalUserOptions {
  definition: AppDefinition
  providers: readonly IdentityProvider[]
  clientFor: (service: string) => MongoClient
  now: () => Date
}

/** Turns the verified claims of an identity provider into the users that rules and functions know. */
export class ExternalUsers {
  private readonly options: ExternalUserOptions
  private readonly rows = new Map<string, { row: Document | null; until: number }>()

  constructor(options: ExternalUserOptions) {
    this.options = options
  }

  /**
   * The user of a verified token. A person's row gives the role, and may only take away from what the token says; a
   * machine has no row and is what its token says.
   *
   * @throws {AppError} `InvalidSession` for an expired token and for a person whose row is inactive or deleted
   */
  async resolve(claims: ExternalClaims, withRow: boolean): Promise<User> {
    const provider = this.options.providers.find(({ issuer }) => issuer === claims.issuer)
    if (provider === undefined) throw new AppError('InvalidSession', 'invalid session')
    const row = claims.isService ? null : await this.findRow(claims, provider)
    if (row !== null && (row.is_active === false || isSet(row.deleted_at)))
      throw new AppError('InvalidSession', 'invalid session')
    // After accounts were linked, tokens of either one are the same person's.
    const subject = typeof row?.auth0_id === 'string' ? row.auth0_id : claims.subject
    const role = effectiveRole(claimedRole(claims), row === null ? undefined : row.role)
    return {
      id: ownId(row, this.options.definition) ?? (await derivedId(this.options.definition, claims.issuer, subject)),
      type: claims.isService ? 'server' : 'normal',
      data: withoutAbsent({
        name: row?.display_name,
        email: row?.email,
        issuer: claims.issuer,
        client_id: claims.clientId,
        org_id: claims.organization,
        tenant: claims.tenant,
      }),
      custom_data: {
        ...(withRow ? row : null),
        ...withoutAbsent({ role, org_id: claims.organization }),
        permissions: claims.permissions,
        roles: claims.roles,
      },
      identities: [{ id: claims.subject, provider_type: 'custom-token' }],
    }
  }

  private async findRow(claims: ExternalClaims, provider: IdentityProvider): Promise<Document | null> {
    const source = this.source(provider)
    if (source === undefined) return null
    const key = `${claims.issuer}\0${claims.subject}`
    const now = this.options.now().getTime()
    const cached = this.rows.get(key)
    if (cached !== undefined && cached.until > now) return cached.row
    const { tenant } = provider
    const rows = await this.options
      .clientFor(source.dataSource)
      .db(source.database)
      .collection(source.collection)
      .find({
        $or: [{ auth0_id: claims.subject }, { 'identities.user_id': claims.subject }],
        ...(tenant !== undefined && { tenant: { $in: [tenant, null] } }),
      })
      .limit(2)
      .toArray()
    const row = rows.find((candidate) => candidate.auth0_id === claims.subject) ?? rows[0] ?? null
    this.rows.delete(key)
    this.rows.set(key, { row, until: now + rowCacheMs })
    const [oldest] = this.rows.keys()
    if (this.rows.size > maxCachedRows && oldest !== undefined) this.rows.delete(oldest)
    return row
  }

  private source({ users }: IdentityProvider) {
    if (users !== undefined) return users
    const config = this.options.definition.customUserData
    return config?.enabled
      ? {
          dataSource: config.mongo_service_name,
          database: config.database_name,
          collection: config.collection_name,
        }
      : undefined
  }
}

/** The claim `role`, else the highest of `roles` that has a rank. */
function claimedRole({ role, roles: claimed }: ExternalClaims): string | undefined {
  return role ?? roles.filter((known) => claimed.includes(known)).at(-1)
}

/**
 * The lower of the two where both have a rank: a token outlives a demotion, and a promotion waits for the next token.
 * Where they cannot be compared, the row's.
 */
function effectiveRole(claimed: string | undefined, stored: unknown): string | undefined {
  if (typeof stored !== 'string') return claimed
  if (!isRole(claimed) || !isRole(stored)) return stored
  return roles[Math.min(roles.indexOf(claimed), roles.indexOf(stored))]
}

/** The id that the app gave this person, where its custom user data has one. */
function ownId(row: Document | null, { customUserData }: AppDefinition): string | undefined {
  const id: unknown = customUserData === undefined ? undefined : row?.[customUserData.user_id_field]
  return typeof id === 'string' && /^[0-9a-f]{24}$/.test(id) ? id : undefined
}

/** The same 24 hex characters at every edge, without a document that says so. */
async function derivedId({ clientAppId }: AppDefinition, issuer: string, subject: string): Promise<string> {
  const hash = await sha256Hex(`${clientAppId}\0${issuer}\0${subject}`)
  return new ObjectId(hash.slice(0, 24)).toHexString()
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null
}

function withoutAbsent(fields: Document): Document {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => isSet(value)))
}
