import { isJson, type Json } from './format.ts'

/** The wait in milliseconds that the driver gives an ending transaction (`ClientSession.commitTransaction`, its source). */
const TRANSACTION_END_WTIMEOUT_MS = 10_000

/**
 * An observed command without what the official driver adds on its own account where the specification does not: a
 * `wtimeout` on every commit or abort that has a write concern (the specification: on the second commit only). Left
 * alone when the test expects it.
 */
export function withoutDriverAdditions(command: unknown, expected: unknown): unknown {
  if (!isJson(command) || !('commitTransaction' in command || 'abortTransaction' in command)) return command
  const { writeConcern } = command
  if (!isJson(writeConcern) || writeConcern.wtimeout !== TRANSACTION_END_WTIMEOUT_MS || expectsTimeout(expected)) {
    return command
  }
  const { wtimeout: _added, ...rest } = writeConcern
  return { ...command, writeConcern: rest } satisfies Json
}

function expectsTimeout(expected: unknown): boolean {
  return isJson(expected) && isJson(expected.writeConcern) && 'wtimeout' in expected.writeConcern
}
