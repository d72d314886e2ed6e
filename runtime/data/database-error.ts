import { AppError } from '../errors.ts'

/** Server codes that mean "not now": the node is stepping down, shutting down or not yet a primary. */
const unavailableCodes = new Set([6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436])
/** Server codes that mean our own credentials or rights: nothing a client did, and texts that quote the command. */
const misconfiguredCodes = new Set([13, 18, 8000])
/** Driver errors that carry addresses in their text and mean that the database did not answer. */
const unavailableNames =
  /^(Mongo(Network|NetworkTimeout|ServerSelection|PoolClosed|PoolCleared|WaitQueueTimeout|NotConnected|StalePrimary|TopologyClosed|ServerClosed|ClientClosed|OperationTimeout)|PoolClearedOnNetwork)Error$/
/** What a socket says of itself: the driver passes it on as it is when a write had to wait for a full buffer. */
const brokenSocketCodes =
  /^(E(PIPE|CONN(RESET|REFUSED|ABORTED)|TIMEDOUT|HOSTUNREACH|NETUNREACH|NOTFOUND|AI_AGAIN)|ERR_(STREAM|SOCKET)_\w+)$/

/**
 * Maps what the driver threw to the refusal a client may see: the server's own text under `MongoDBError`, or a plain
 * 503 when the database did not answer. Never a connection string, an address or a stack.
 */
export function toDatabaseError(error: unknown): AppError {
  if (error instanceof AppError) return error
  if (!(error instanceof Error)) return new AppError('MongoDBError', 'database error', { cause: error })
  const wrapped = wrappedError(error)
  if (wrapped !== undefined) return toDatabaseError(wrapped)
  if (isUnavailable(error)) {
    return new AppError('MongoDBError', 'database unavailable', {
      status: 503,
      cause: error,
      detail: { driverError: error.name, code: codeOf(error) },
    })
  }
  const code = codeOf(error)
  return new AppError('MongoDBError', withoutAddresses(error.message), {
    cause: error,
    ...(code === undefined ? {} : { detail: { code } }),
  })
}

/** Runs one call of the driver and maps its error. */
export async function callDatabase<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw toDatabaseError(error)
  }
}

/** The driver reports a write whose connection broke as a failed bulk write, under a name that says nothing of it. */
function wrappedError(error: Error): Error | undefined {
  if (error.name !== 'MongoBulkWriteError' || !('errorResponse' in error)) return undefined
  return error.errorResponse instanceof Error ? error.errorResponse : undefined
}

/** The server's numeric code, whichever BSON number it arrived as. */
export function codeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  const code = Number(error.code)
  return Number.isFinite(code) ? code : undefined
}

function isUnavailable(error: Error): boolean {
  if (unavailableNames.test(error.name)) return true
  if ('code' in error && typeof error.code === 'string' && brokenSocketCodes.test(error.code)) return true
  const code = codeOf(error)
  return code !== undefined && (unavailableCodes.has(code) || misconfiguredCodes.has(code))
}

function withoutAddresses(message: string): string {
  return message
    .replace(/mongodb(\+srv)?:\/\/\S*/gi, '<address>')
    .replace(/\b(?:\d{1,3}\.){3}\d{1,3}:\d+\b/g, '<address>')
}
