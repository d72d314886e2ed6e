const attempts = 6

/** True for the refusal of a key that is there already; servers word it differently. */
export function isDuplicateKey(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  const { code, message } = error as { code?: unknown; message?: unknown }
  return code === 11000 || (typeof message === 'string' && /E11000|duplicate key/i.test(message))
}

/**
 * Runs an upsert again when another run of the same job inserted the same key in between: the second attempt finds it
 * and replaces it, which is what MongoDB does by itself for most upserts and not for all.
 */
export async function upserting<T>(upsert: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await upsert()
    } catch (error) {
      if (attempt === attempts || !isDuplicateKey(error)) throw error
    }
  }
}
