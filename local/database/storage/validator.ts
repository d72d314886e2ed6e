import { type Doc, isDoc, type Value } from '../bson/value.ts'
import { compileFilter, compileJsonSchema } from '../engine/index.ts'
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
  const env = { ...ENV, now: new Date() }
  const matches = compileFilter(validator, env)
  const schema = validator.size === 1 ? validator.get('$jsonSchema') : undefined
  const explain = isDoc(schema) ? compileJsonSchema(schema, env) : undefined
  return {
    check(document) {
      if (explain) return explain(document)
      return matches(document) ? null : failedFilter(validator)
    },
  }
}

function failedFilter(validator: Doc): Doc {
  return new Map<string, Value>([
    ['operatorName', '$expr'],
    ['specifiedAs', validator],
    ['reason', 'expression did not match'],
  ])
}

/** Error 121 as MongoDB words it. */
export function validationFailure(document: Doc, details: Doc): DatabaseError {
  const errInfo: Doc = new Map<string, Value>([
    ['failingDocumentId', document.get('_id') ?? null],
    ['details', details],
  ])
  return new DatabaseError(121, 'Document failed validation', { extra: new Map([['errInfo', errInfo]]) })
}
