import type { Document } from 'bson'
import { entriesOf } from '../ejson/index.ts'
import { AppError } from '../errors.ts'

/** A caller's filter on change events, in the parts that can be applied without telling what rules hide. */
export interface WatchFilter {
  /** On the event, by the server. */
  readonly event: Document
  /** On the document, as the caller may read it. */
  readonly document: Document
}

const documentPrefix = 'fullDocument.'
const openFields = /^(operationType|documentKey(\..+)?|ns(\..+)?)$/

/**
 * Splits a filter for a caller who may not see whole documents: a condition on a hidden field must not decide whether
 * an event arrives.
 *
 * @throws {AppError} `BadRequest` for conditions that would
 */
export function splitWatchFilter(filter: Document): WatchFilter {
  const event: Document = {}
  const document: Document = {}
  for (const [path, condition] of entriesOf(filter)) {
    if (path.startsWith(documentPrefix)) document[path.slice(documentPrefix.length)] = condition
    else if (openFields.test(path)) event[path] = condition
    else throw new AppError('BadRequest', `a filter on '${path}' needs permission to read whole documents`)
  }
  return { event, document }
}
