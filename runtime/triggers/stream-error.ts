import { MongoServerError } from 'mongodb'
import { codeOf, toDatabaseError } from '../data/database-error.ts'

/** What an error of a change stream asks for. */
export type StreamFailure = 'unsupported' | 'history-lost' | 'refused' | 'lost'

/** "Only supported on replica sets", unknown stage, unknown command, not implemented, not supported. */
const unsupportedCodes: ReadonlySet<number> = new Set([59, 115, 168, 238, 303, 40324, 40573])
/** ChangeStreamHistoryLost, ChangeStreamFatalError, InvalidResumeToken. */
const historyLostCodes: ReadonlySet<number> = new Set([260, 280, 286])

export function classifyStreamError(error: unknown): StreamFailure {
  const code = codeOf(error)
  if (code !== undefined && historyLostCodes.has(code)) return 'history-lost'
  const message = error instanceof Error ? error.message : ''
  if (code !== undefined && unsupportedCodes.has(code)) return 'unsupported'
  if (/\$changeStream/.test(message) && /not supported|unrecognized|unsupported|replica set/i.test(message))
    return 'unsupported'
  return error instanceof MongoServerError && toDatabaseError(error).status === undefined ? 'refused' : 'lost'
}
