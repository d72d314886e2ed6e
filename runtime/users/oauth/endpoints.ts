/** Where the identity providers are asked. Nothing else in the product names their addresses. */

export type OAuthProviderType = 'oauth2-google' | 'oauth2-facebook' | 'oauth2-apple'

export const google = {
  authorize: 'https://accounts.google.com/o/oauth2/v2/auth',
  token: 'https://oauth2.googleapis.com/token',
  userInfo: 'https://openidconnect.googleapis.com/v1/userinfo',
  keys: 'https://www.googleapis.com/oauth2/v3/certs',
  issuers: ['https://accounts.google.com', 'accounts.google.com'],
} as const

/** Without a version, Graph serves the oldest one that the Facebook app may use. */
export const facebook = {
  authorize: 'https://www.facebook.com/dialog/oauth',
  token: 'https://graph.facebook.com/oauth/access_token',
  inspectToken: 'https://graph.facebook.com/debug_token',
  me: 'https://graph.facebook.com/me',
} as const

export const apple = {
  authorize: 'https://appleid.apple.com/auth/authorize',
  token: 'https://appleid.apple.com/auth/token',
  keys: 'https://appleid.apple.com/auth/keys',
  issuers: ['https://appleid.apple.com'],
} as const
