import type { Document } from 'bson'
import {
  createRemoteJWKSet,
  customFetch,
  decodeJwt,
  decodeProtectedHeader,
  importSPKI,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose'
import type { AuthProvider, Json } from '../../schemas/app/definition.ts'

const maxTokenLength = 1_000_000
const maxMetadataLength = 4096
/** How far ahead the clock of an issuer may be. */
const clockToleranceSeconds = 300

export interface VerifiedCustomToken {
  subject: string
  /** The claims that `metadata_fields` names, under their field names. */
  data: Document
}

export interface CustomTokenOptions {
  provider: AuthProvider
  clientAppId: string
  secret: (name: string) => string | undefined
  fetch: typeof fetch
  now: () => Date
}

/** Verifies tokens of the `custom-token` provider: shared secrets or a JWKS address, audience, expiry, metadata. */
export function createCustomTokenVerifier(options: CustomTokenOptions) {
  const { config, secret_config, metadata_fields } = options.provider
  const audiences = stringList(config.audience)
  const requireAny = config.requireAnyAudience === true
  const jwks =
    config.useJWKURI === true && typeof config.jwkURI === 'string' && URL.canParse(config.jwkURI)
      ? createRemoteJWKSet(new URL(config.jwkURI), { [customFetch]: (url, init) => options.fetch(url, init) })
      : undefined
  const algorithm = config.signingAlgorithm === 'RS256' || jwks !== undefined ? 'RS256' : 'HS256'
  const secretNames = stringList(secret_config.signingKeys)

  async function verifySignature(token: string): Promise<JWTPayload | undefined> {
    const checks = { algorithms: [algorithm], currentDate: options.now(), requiredClaims: ['exp'] }
    const keys = jwks ? [jwks] : await signingKeys()
    for (const key of keys) {
      try {
        return (typeof key === 'function' ? await jwtVerify(token, key, checks) : await jwtVerify(token, key, checks))
          .payload
      } catch {
        // One of up to three keys may fit.
      }
    }
    return undefined
  }

  async function signingKeys(): Promise<(CryptoKey | Uint8Array | JWTVerifyGetKey)[]> {
    const secrets = secretNames.map((name) => options.secret(name)).filter((value) => value !== undefined)
    if (algorithm === 'HS256') return secrets.map((value) => new TextEncoder().encode(value))
    const imported = await Promise.allSettled(secrets.map((pem) => importSPKI(pem.replaceAll('\\n', '\n'), 'RS256')))
    return imported.flatMap((key) => (key.status === 'fulfilled' ? [key.value] : []))
  }

  return {
    /** The subject and metadata of a valid token; undefined for any other, whatever is wrong with it. */
    async verify(token: string): Promise<VerifiedCustomToken | undefined> {
      if (token.length > maxTokenLength || !isWellFormed(token)) return undefined
      const payload = await verifySignature(token).catch(() => undefined)
      if (payload === undefined || typeof payload.sub !== 'string' || payload.sub === '') return undefined
      if (payload.iat !== undefined && payload.iat > options.now().getTime() / 1000 + clockToleranceSeconds)
        return undefined
      if (!hasAudience(payload.aud, audiences, requireAny, options.clientAppId)) return undefined
      const data = readMetadata(payload, metadata_fields)
      return data === undefined ? undefined : { subject: payload.sub, data }
    },
  }
}

export type CustomTokenVerifier = ReturnType<typeof createCustomTokenVerifier>

function isWellFormed(token: string): boolean {
  try {
    decodeProtectedHeader(token)
    decodeJwt(token)
    return true
  } catch {
    return false
  }
}

function stringList(value: Json | undefined): string[] {
  if (typeof value === 'string' && value !== '') return [value]
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string' && item !== '').map(String) : []
}

function hasAudience(
  claim: string | string[] | undefined,
  audiences: readonly string[],
  requireAny: boolean,
  clientAppId: string,
): boolean {
  const claimed = claim === undefined ? [] : Array.isArray(claim) ? claim : [claim]
  if (audiences.length === 0) return claimed.includes(clientAppId)
  return requireAny
    ? audiences.some((audience) => claimed.includes(audience))
    : audiences.every((audience) => claimed.includes(audience))
}

/** `a.b` reaches into objects; `\.` is a dot of the claim's own name. */
function splitPath(path: string): string[] {
  return path.split(/(?<!\\)\./).map((part) => part.replaceAll('\\.', '.'))
}

function readMetadata(payload: JWTPayload, fields: AuthProvider['metadata_fields']): Document | undefined {
  const data: Document = {}
  for (const field of fields) {
    const parts = splitPath(field.name)
    let value: unknown = payload
    for (const part of parts) {
      value =
        typeof value === 'object' && value !== null && Object.hasOwn(value, part) ? Reflect.get(value, part) : undefined
    }
    const isTooLong = value !== undefined && JSON.stringify(value).length > maxMetadataLength
    if (value === undefined || isTooLong) {
      if (field.required) return undefined
      continue
    }
    data[field.field_name || (parts.at(-1) ?? field.name)] = value
  }
  return data
}
