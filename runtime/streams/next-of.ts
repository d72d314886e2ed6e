import type { ChangeStream, Document } from 'mongodb'
import { AppError } from '../errors.ts'
import { sleep } from '../sleep.ts'

/** More than a wait, a resumption and the search for a server take. */
const patienceMs = 15_000

/**
 * The next event of a stream, or null when the server's wait brought none. The driver itself has no limit here: a
 * connection that died without a word would be waited for until the machine gives it up.
 *
 * @throws {AppError} 503 when there is no answer; what the driver throws
 */
export async function nextOf(stream: ChangeStream): Promise<Document | null> {
  const answered = new AbortController()
  const silence = sleep(patienceMs, answered.signal).then((): null => {
    if (answered.signal.aborted) return null
    throw new AppError('MongoDBError', 'database unavailable', { status: 503 })
  })
  try {
    return await Promise.race([stream.tryNext(), silence])
  } finally {
    answered.abort()
  }
}
