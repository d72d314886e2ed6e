import type { AuthProvider } from '../../../schemas/app/definition.ts'
import { isOfAllowedDomain, readClaim, readMetadata, verifiedEmailOf } from './metadata.ts'
import type { VerifiedAccount } from './oauth-client.ts'
import { tokenRefused } from './refusals.ts'

/** The account that verified claims tell of. @throws {AppError} `AuthError` for an account of another domain */
export function accountOfClaims(
  provider: AuthProvider,
  claims: Readonly<Record<string, unknown>> & { sub: string },
): VerifiedAccount {
  if (!isOfAllowedDomain(provider, verifiedEmailOf(claims))) throw tokenRefused('the domain is not allowed')
  return { subject: claims.sub, data: readMetadata(provider, (name) => readClaim(claims, name)) }
}
