import { AppError } from '../../errors.ts'

/** What was wrong goes to the log, by the provider's own error code, and never to the client. */
function refuse(message: string, reason: string, provider?: unknown): AppError {
  const code = typeof provider === 'string' && /^[\w.-]{1,64}$/.test(provider) ? { provider } : {}
  return new AppError('AuthError', message, { detail: { reason, ...code } })
}

/** Texts of the original service, as its users reported them (realm-js 3116, 4995). */
export const exchangeRefused = (reason: string, provider?: unknown) =>
  refuse('error exchanging access code with OAuth2 provider', reason, provider)

export const infoRefused = (reason: string, provider?: unknown) =>
  refuse('error fetching info from OAuth2 provider', reason, provider)

export const tokenRefused = (reason: string) => refuse('unauthorized', reason)
