import { isJson, type Json } from './format.ts'

/** The wait in milliseconds that the driver gives an ending transaction (`ClientSession.commitTransaction`, its source). */
const TRANSACTION_END_WTIMEOUT_MS = 10_000

/**
 * An observed command without what the official driver adds on its own account where the specification does not: a
 * `wtimeout` on every commit or abort that has a write concern (the specification: on the second commit only), and the
 * `$eq` by which GridFS looks for the id of a file. Left alone when the test expects it.
 */
export function withoutDriverAdditions(command: unknown, expected: unknown): unknown {
  if (!isJson(command)) return command
  if ('find' in command) return withPlainFileId(command)
  if (!('commitTransaction' in command || 'abortTransaction' in command)) return command
  const { writeConcern } = command
  if (!isJson(writeConcern) || writeConcern.wtimeout !== TRANSACTION_END_WTIMEOUT_MS || expectsTimeout(expected)) {
    return command
  }
  const { wtimeout: _added, ...rest } = writeConcern
  return { ...command, writeConcern: rest } satisfies Json
}

function withPlainFileId(command: Json): Json {
  const { find, filter } = command
  if (typeof find !== 'string' || !find.endsWith('.files') || !isJson(filter) || !isJson(filter._id)) return command
  const { $eq, ...others } = filter._id
  return $eq === undefined || Object.keys(others).length > 0 ? command : { ...command, filter: { ...filter, _id: $eq } }
}

function expectsTimeout(expected: unknown): boolean {
  return isJson(expected) && isJson(expected.writeConcern) && 'wtimeout' in expected.writeConcern
}
