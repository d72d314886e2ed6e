import type { FindAndModifyOptions, ReadOptions, WriteOptions } from '../../data/data-access.ts'
import { toStoredDocument } from '../values.ts'
import { driverSessionOf } from './session.ts'

const readOptionNames = [
  'projection',
  'sort',
  'limit',
  'skip',
  'session',
  'hint',
  'collation',
  'readPreference',
  'maxTimeMS',
]

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Tells the two meanings of the second argument of `find` apart (spec: function runtime 5): options when every key is
 * an option's name and one of them is `limit`, `skip` or holds an object; else a projection.
 */
function isOptions(second: Record<string, unknown>): boolean {
  const entries = Object.entries(second)
  return (
    entries.length > 0 &&
    entries.every(([name]) => readOptionNames.includes(name)) &&
    entries.some(([name, value]) => name === 'limit' || name === 'skip' || isObject(value))
  )
}

function numberOption(options: Record<string, unknown>, name: string): number | undefined {
  const value = options[name]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

function documentOption(options: Record<string, unknown>, name: string) {
  const value = options[name]
  return value === undefined || value === null ? undefined : toStoredDocument(value, `options.${name}`)
}

/** Leaves out what is undefined, so that a driver default is not overwritten. */
function defined<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}

function hintOption(hint: unknown) {
  if (hint === undefined || hint === null) return undefined
  return typeof hint === 'string' ? hint : toStoredDocument(hint, 'options.hint')
}

/** Options of a read; unknown keys are ignored, as the service does. */
export function readOptions(second: unknown, third?: unknown): ReadOptions {
  const secondIsOptions = third === undefined && isObject(second) && isOptions(second)
  const given = secondIsOptions ? second : isObject(third) ? third : {}
  const projection = secondIsOptions ? given.projection : (second ?? given.projection)
  return defined({
    projection:
      projection === undefined || projection === null ? undefined : toStoredDocument(projection, 'the projection'),
    sort: documentOption(given, 'sort'),
    limit: numberOption(given, 'limit'),
    skip: numberOption(given, 'skip'),
    session: driverSessionOf(given.session),
    collation: documentOption(given, 'collation'),
    readConcern: documentOption(given, 'readConcern'),
    readPreference: typeof given.readPreference === 'string' ? given.readPreference : undefined,
    hint: hintOption(given.hint),
    maxTimeMS: numberOption(given, 'maxTimeMS'),
    allowDiskUse: typeof given.allowDiskUse === 'boolean' ? given.allowDiskUse : undefined,
  }) as ReadOptions
}

function arrayFilters(value: unknown) {
  if (value === undefined || value === null) return undefined
  if (!Array.isArray(value)) throw new TypeError('options.arrayFilters must be an array')
  return value.map((filter) => toStoredDocument(filter, 'an array filter'))
}

export function writeOptions(value: unknown): WriteOptions {
  const given = isObject(value) ? value : {}
  return defined({
    upsert: given.upsert === undefined ? undefined : given.upsert === true,
    arrayFilters: arrayFilters(given.arrayFilters),
    session: driverSessionOf(given.session),
    collation: documentOption(given, 'collation'),
    writeConcern: documentOption(given, 'writeConcern'),
    bypassDocumentValidation: given.bypassDocumentValidation === true ? true : undefined,
    hint: hintOption(given.hint),
  }) as WriteOptions
}

/** As `writeOptions`; a bare boolean or nothing means ordered. */
export function bulkOptions(value: unknown): WriteOptions & { ordered: boolean } {
  const ordered = !(isObject(value) && value.ordered === false)
  return { ...writeOptions(value), ordered }
}

export function findAndModifyOptions(value: unknown): FindAndModifyOptions {
  const given = isObject(value) ? value : {}
  const returnNewDocument =
    given.returnNewDocument === true ||
    given.returnDocument === 'after' ||
    given.returnOriginal === false ||
    given.new === true
  return {
    ...writeOptions(value),
    ...(defined({
      projection: documentOption(given, 'projection'),
      sort: documentOption(given, 'sort'),
    }) as FindAndModifyOptions),
    returnNewDocument,
  }
}

/** An update document or pipeline. */
export function updateArgument(update: unknown) {
  if (Array.isArray(update)) return update.map((stage) => toStoredDocument(stage, 'a stage of the update'))
  return toStoredDocument(update, 'the update')
}

/** A list of documents: operations, stages, new documents. */
export function documentList(value: unknown, what: string) {
  if (!Array.isArray(value)) throw new TypeError(`${what} must be an array`)
  return value.map((item) => toStoredDocument(item, `each of ${what}`))
}

export function filterArgument(query: unknown) {
  return query === undefined || query === null ? {} : toStoredDocument(query, 'the query')
}
