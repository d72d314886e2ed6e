import { toDatabaseError } from '../data/database-error.ts'
import { sleep } from '../sleep.ts'

const firstPauseMs = 250
const maxPauseMs = 5_000

/** Calls again, with growing pauses, for as long as the database does not answer. */
export async function outlast<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
    try {
      return await call()
    } catch (error) {
      if (signal.aborted || toDatabaseError(error).status !== 503) throw error
      // Spread, so that all who wait do not come back at once.
      await sleep(pauseMs * (0.5 + Math.random() / 2), signal)
      if (signal.aborted) throw error
    }
  }
}
