import { type Doc, int, isDoc, isNumber, type Value } from '../../bson/value.ts'
import { DatabaseError, ERROR_CODE_NAMES } from '../../errors.ts'

/** The largest replica set there can be. */
const MAX_MEMBERS = 50

/** @throws {DatabaseError} 9 FailedToParse for a `w` that no set can have */
export function checkWriteConcern(body: Doc): void {
  const w = writtenTo(body)
  if (!isNumber(w)) return
  const members = Number(w)
  if (members >= 0 && members <= MAX_MEMBERS) return
  throw new DatabaseError(9, `w has to be a non-negative number and not greater than ${MAX_MEMBERS}; found: ${members}`)
}

/**
 * The `writeConcernError` of a write that was done but that a set of one member cannot confirm as it was asked to;
 * undefined when it can.
 */
export function writeConcernError(body: Doc): Doc | undefined {
  const w = writtenTo(body)
  if (isNumber(w) && Number(w) > 1) return describe(100, 'Not enough data-bearing nodes', body)
  if (typeof w !== 'string' || w === 'majority') return undefined
  return describe(79, `No write concern mode named '${w}' found in replica set configuration`, body)
}

function writtenTo(body: Doc): Value | undefined {
  const concern = body.get('writeConcern')
  return isDoc(concern) ? concern.get('w') : undefined
}

function describe(code: number, errmsg: string, body: Doc): Doc {
  const given = body.get('writeConcern') as Doc
  const concern: Doc = new Map(given)
  if (!concern.has('wtimeout')) concern.set('wtimeout', int(0))
  concern.set('provenance', 'clientSupplied')
  return new Map<string, Value>([
    ['code', int(code)],
    ['codeName', ERROR_CODE_NAMES[code] ?? ''],
    ['errmsg', errmsg],
    ['errInfo', new Map([['writeConcern', concern]])],
  ])
}
