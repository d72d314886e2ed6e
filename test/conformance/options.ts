import { ReadPreference, type ReadPreferenceMode, type W, WriteConcern } from 'mongodb'
import { InvalidTestError, MissingFeatureError } from './errors.ts'
import { isJson, type Json } from './format.ts'

/** The common options of the format (`readConcern`, `readPreference`, `writeConcern`) as the driver takes them. */
export function toDriverOptions(options: Json | undefined): Json {
  const converted: Json = { ...options }
  if (isJson(converted.readPreference)) converted.readPreference = toReadPreference(converted.readPreference)
  if (isJson(converted.writeConcern)) converted.writeConcern = toWriteConcern(converted.writeConcern)
  if (isJson(converted.defaultTransactionOptions)) {
    converted.defaultTransactionOptions = toDriverOptions(converted.defaultTransactionOptions)
  }
  if (typeof converted.returnDocument === 'string') {
    const value = converted.returnDocument.toLowerCase()
    if (value !== 'before' && value !== 'after')
      throw new InvalidTestError(`returnDocument ${converted.returnDocument}`)
    converted.returnDocument = value
  }
  if (typeof converted.cursorType === 'string') {
    converted.tailable = converted.cursorType.startsWith('tailable')
    converted.awaitData = converted.cursorType === 'tailableAwait'
    delete converted.cursorType
  }
  return converted
}

/** @throws {MissingFeatureError} for the options of client-side operation timeouts: the driver takes and ignores them */
export function assertNoTimeouts(options: Json | undefined): void {
  for (const name of ['timeoutMS', 'timeoutMode', 'defaultTimeoutMS']) {
    if (options?.[name] !== undefined) throw new MissingFeatureError(`client-side operation timeouts (${name})`)
  }
}

function toReadPreference({ mode, tagSets, maxStalenessSeconds, hedge }: Json): ReadPreference {
  const options = {
    ...(typeof maxStalenessSeconds === 'number' ? { maxStalenessSeconds } : {}),
    ...(isJson(hedge) ? { hedge } : {}),
  }
  const tags = Array.isArray(tagSets) ? tagSets : undefined
  return new ReadPreference(toMode(mode), tags, options)
}

/** The driver spells the modes in camel case, test files in any case. */
function toMode(mode: unknown): ReadPreferenceMode {
  const wanted = String(mode).toLowerCase()
  for (const known of ['primary', 'primaryPreferred', 'secondary', 'secondaryPreferred', 'nearest'] as const) {
    if (known.toLowerCase() === wanted) return known
  }
  throw new InvalidTestError(`read preference mode ${String(mode)}`)
}

function toWriteConcern({ w, wtimeoutMS, journal }: Json): WriteConcern {
  // The driver takes custom tags too; its type does not say so.
  const members = typeof w === 'number' || typeof w === 'string' ? (w as W) : undefined
  return new WriteConcern(
    members,
    typeof wtimeoutMS === 'number' ? wtimeoutMS : undefined,
    typeof journal === 'boolean' ? journal : undefined,
  )
}
