import type { AuthProvider } from '../../../schemas/app/definition.ts'
import type { OAuthClientOptions } from './oauth-client.ts'
import { exchangeRefused } from './refusals.ts'

/** Usually one; a list is tolerated. The first is the one that codes are asked for and redeemed with. */
export function clientIdsOf({ config }: AuthProvider): string[] {
  const ids = Array.isArray(config.clientId) ? config.clientId : [config.clientId]
  return ids.filter((id) => typeof id === 'string').filter((id) => id !== '')
}

export interface ClientCredentials {
  clientId: string
  clientSecret: string
}

/** @throws {AppError} `AuthError` when one is missing: no call is made without both */
export function credentialsOf({
  provider,
  secret,
}: Pick<OAuthClientOptions, 'provider' | 'secret'>): ClientCredentials {
  const [clientId] = clientIdsOf(provider)
  const name = provider.secret_config.clientSecret
  const clientSecret = typeof name === 'string' && name !== '' ? secret(name) : undefined
  if (clientId === undefined) throw exchangeRefused('config.clientId is missing')
  if (clientSecret === undefined || clientSecret === '') throw exchangeRefused('the secret of clientSecret is missing')
  return { clientId, clientSecret }
}

/** True for a browser that may be sent back there: an entry of the list, to the letter (App Services docs). */
export function isAllowedRedirect(provider: AuthProvider, redirect: string): boolean {
  return provider.redirect_uris?.includes(redirect) === true
}
