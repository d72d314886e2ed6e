import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey, jwksCache } from 'jose'

/** A key that a provider has withdrawn is trusted no longer than this. */
const cacheMaxAgeMs = 10 * 60_000
const fetchTimeoutMs = 5_000
/** An unknown `kid` is asked for once in this time. */
export const cooldownMs = 30_000
/** Anybody may invent a `kid`: no more refetches than this for all of them together, per cooldown. */
const maxRefetchesPerCooldown = 5

/** The provider's keys could not be read: nothing is known about the token. */
export class KeySetUnavailableError extends Error {
  override readonly name = 'KeySetUnavailableError'
}

/**
 * A provider's published keys. Keys are kept for ten minutes; a `kid` that is not among them causes one refetch, so that
 * a rotation is seen at once and a flood of invented ones is not passed on. What is kept are values: on Workers a fetch
 * belongs to the request that began it, and jose awaits no other's there.
 *
 * @throws {KeySetUnavailableError} from the resolver
 */
export function createKeySet(url: string, send: typeof fetch, now: () => Date): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(new URL(url), {
    cacheMaxAge: cacheMaxAgeMs,
    // Which unknown `kid` is worth a fetch is decided below; jose's own rule knows only the time of the last one.
    cooldownDuration: Number.POSITIVE_INFINITY,
    timeoutDuration: fetchTimeoutMs,
    [customFetch]: (input, init) => send(input, init),
    [jwksCache]: {},
  })
  const refetched = new Map<string, number>()

  function mayRefetch(kid: string | undefined): boolean {
    const time = now().getTime()
    for (const [known, at] of refetched) if (at <= time - cooldownMs) refetched.delete(known)
    if (kid === undefined || refetched.has(kid) || refetched.size >= maxRefetchesPerCooldown) return false
    refetched.set(kid, time)
    return true
  }

  const resolve: JWTVerifyGetKey = async (header, token) => {
    try {
      return await remote(header, token)
    } catch (error) {
      throw isAboutToken(error) ? error : new KeySetUnavailableError('the key set cannot be read', { cause: error })
    }
  }
  return async (header, token) => {
    try {
      return await resolve(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !mayRefetch(header?.kid)) throw error
      // Keys that are still good are not lost because a refetch for a made-up one failed.
      await remote.reload().catch(() => {})
      return resolve(header, token)
    }
  }
}

function isAboutToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  )
}
