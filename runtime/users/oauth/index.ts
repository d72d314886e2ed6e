import { createAppleClient } from './apple.ts'
import type { OAuthProviderType } from './endpoints.ts'
import { createFacebookClient } from './facebook.ts'
import { createGoogleClient } from './google.ts'
import type { OAuthClient, OAuthClientOptions } from './oauth-client.ts'

const factories: Readonly<Record<OAuthProviderType, (options: OAuthClientOptions) => OAuthClient>> = {
  'oauth2-google': createGoogleClient,
  'oauth2-facebook': createFacebookClient,
  'oauth2-apple': createAppleClient,
}

export function isOAuthProvider(type: string): type is OAuthProviderType {
  return Object.hasOwn(factories, type)
}

export function createOAuthClient(type: OAuthProviderType, options: OAuthClientOptions): OAuthClient {
  return factories[type](options)
}
