import type { Doc, Value } from '../bson/value.ts'
import { explainFilter } from '../engine/match/explain.ts'
import { DatabaseError } from '../errors.ts'

const ENV = { random: Math.random }

/** A collection's validator. */
export interface Validator {
  /** `errInfo.details` when the document does not comply. */
  check(document: Doc): Doc | null
}

/** @throws {DatabaseError} the filter's own error when it does not parse */
export function compileValidator(validator: Doc): Validator | undefined {
  if (validator.size === 0) return undefined
  return { check: explainFilter(validator, { ...ENV, now: new Date() }) }
}

/** Error 121 as MongoDB words it. */
export function validationFailure(document: Doc, details: Doc): DatabaseError {
  const errInfo: Doc = new Map<string, Value>([
    ['failingDocumentId', document.get('_id') ?? null],
    ['details', details],
  ])
  return new DatabaseError(121, 'Document failed validation', { extra: new Map([['errInfo', errInfo]]) })
}
