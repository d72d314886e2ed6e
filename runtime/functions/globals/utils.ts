import { cryptoUtils } from './crypto.ts'
import { createJwtUtils } from './jwt.ts'

/** The `utils` global of one run. */
export function createUtils(now: () => Date): Record<string, unknown> {
  return { jwt: createJwtUtils(now), crypto: { ...cryptoUtils } }
}
