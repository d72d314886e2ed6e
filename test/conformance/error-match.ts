import {
  MongoBulkWriteError,
  MongoClientBulkWriteError,
  MongoError,
  MongoOperationTimeoutError,
  MongoServerError,
  type WriteError,
} from 'mongodb'
import { ERROR_CODE_NAMES } from '../../local/database/errors.ts'
import { MismatchError, MissingFeatureError } from './errors.ts'
import { type ExpectedError, isJson } from './format.ts'
import { assertMatches, type MatchEntities, print } from './match.ts'
import { toResultDocument } from './results.ts'

/** Asserts that the error of an operation is the expected one. @throws {MismatchError} */
export function assertErrorMatches(expected: ExpectedError, error: unknown, entities: MatchEntities): void {
  if (!(error instanceof Error)) throw new MismatchError(`something was thrown that is no error: ${print(error)}`)
  // MongoClient.bulkWrite keeps the top-level error as the cause and write errors beside it.
  const top = error instanceof MongoClientBulkWriteError && error.cause instanceof Error ? error.cause : error
  const got = `got ${error.name}: ${error.message}`

  if (expected.isClientError !== undefined && isClientError(top) !== expected.isClientError) {
    throw new MismatchError(`expected ${expected.isClientError ? 'a client' : 'a server'} error, ${got}`)
  }
  if (expected.isTimeoutError) throw new MissingFeatureError('client-side operation timeouts (isTimeoutError)')
  if (expected.isTimeoutError !== undefined && top instanceof MongoOperationTimeoutError) {
    throw new MismatchError(`expected no timeout error, ${got}`)
  }
  if (expected.errorContains !== undefined) {
    const wanted = expected.errorContains.toLowerCase()
    if (!messages(error).some((message) => message.toLowerCase().includes(wanted))) {
      throw new MismatchError(`expected an error that contains "${expected.errorContains}", ${got}`)
    }
  }
  if (expected.errorCode !== undefined && codeOf(top) !== expected.errorCode) {
    throw new MismatchError(`expected code ${expected.errorCode}, got ${print(codeOf(top))} (${error.message})`)
  }
  if (expected.errorCodeName !== undefined) {
    const names = codeNames(top)
    if (!names.some((name) => name.toLowerCase() === expected.errorCodeName?.toLowerCase())) {
      throw new MismatchError(`expected code name ${expected.errorCodeName}, got ${names.join(', ') || 'none'}; ${got}`)
    }
  }
  assertLabels(expected, [error, top])
  if (expected.writeErrors !== undefined) {
    const writeErrors = error instanceof MongoClientBulkWriteError ? error.writeErrors : new Map<number, unknown>()
    const actual = Object.fromEntries([...writeErrors].map(([index, writeError]) => [String(index), writeError]))
    for (const [index, value] of Object.entries(expected.writeErrors)) {
      assertMatches(value, actual[index], entities, true, `writeErrors.${index}`)
    }
    assertSameCount('write errors', Object.keys(expected.writeErrors), Object.keys(actual))
  }
  if (expected.writeConcernErrors !== undefined) {
    const actual = error instanceof MongoClientBulkWriteError ? error.writeConcernErrors : []
    for (const [index, value] of expected.writeConcernErrors.entries()) {
      assertMatches(value, actual[index], entities, true, `writeConcernErrors.${index}`)
    }
    assertSameCount('write concern errors', expected.writeConcernErrors, actual)
  }
  if (expected.errorResponse !== undefined) {
    assertMatches(expected.errorResponse, errorResponse(top), entities, true, 'errorResponse')
  }
  if (expected.expectResult !== undefined) {
    assertMatches(expected.expectResult, partialResult(error), entities, true, 'expectResult')
  }
}

function assertSameCount(what: string, expected: readonly unknown[], actual: readonly unknown[]): void {
  if (expected.length !== actual.length) {
    throw new MismatchError(`expected ${expected.length} ${what}, got ${actual.length}`)
  }
}

function assertLabels(expected: ExpectedError, errors: readonly Error[]): void {
  const has = (label: string) => errors.some((error) => error instanceof MongoError && error.hasErrorLabel(label))
  for (const label of expected.errorLabelsContain ?? []) {
    if (!has(label)) throw new MismatchError(`expected the label ${label} on ${errors[0]?.name}: ${errors[0]?.message}`)
  }
  for (const label of expected.errorLabelsOmit ?? []) {
    if (has(label)) throw new MismatchError(`unexpected label ${label} on ${errors[0]?.name}: ${errors[0]?.message}`)
  }
}

/** The driver wraps every error of a bulk write, its own included, in a class that derives from MongoServerError. */
function isClientError(error: Error): boolean {
  if (error instanceof MongoClientBulkWriteError) {
    return error.cause instanceof Error && !(error.cause instanceof MongoServerError)
  }
  if (error instanceof MongoBulkWriteError) {
    const response: unknown = error.errorResponse
    return response instanceof Error && !(response instanceof MongoServerError)
  }
  return !(error instanceof MongoServerError)
}

function codeOf(error: Error): unknown {
  return 'code' in error ? error.code : undefined
}

function codeNames(error: Error): string[] {
  const candidates: unknown[] = [
    'codeName' in error ? error.codeName : undefined,
    ...(error instanceof MongoServerError
      ? [
          error.errorResponse?.codeName,
          error.writeConcernError?.codeName,
          error.errorResponse?.writeConcernError?.codeName,
          error.errorResponse?.result?.writeConcernError?.codeName,
          error.result?.writeConcernError?.codeName,
        ]
      : []),
  ]
  const named = candidates.filter((name) => typeof name === 'string')
  // The driver hands out the code of a bulk write's errors without its name; the format lets a runner translate it.
  const translated = error instanceof MongoBulkWriteError ? ERROR_CODE_NAMES[Number(error.code)] : undefined
  return translated === undefined ? named : [...named, translated]
}

function messages(error: Error): string[] {
  const found = [error.message]
  if (error.cause instanceof Error) found.push(...messages(error.cause))
  if (error instanceof MongoBulkWriteError) {
    const writeErrors: WriteError[] = [error.writeErrors].flat()
    found.push(...writeErrors.map((writeError) => writeError.errmsg ?? ''), error.err?.errmsg ?? '')
  }
  return found
}

function errorResponse(error: Error): unknown {
  if (!(error instanceof MongoServerError)) return undefined
  const response: unknown = error.errorResponse
  // A write error inside a bulk write is a driver object with getters; its reply is under `err`.
  if (error instanceof MongoBulkWriteError) {
    const first = [error.writeErrors].flat()[0]
    return first ? { ...error.errorResponse, code: first.code, errmsg: first.errmsg, errInfo: first.errInfo } : response
  }
  return response
}

function partialResult(error: Error): unknown {
  if (error instanceof MongoClientBulkWriteError) return toResultDocument(error.partialResult)
  if (error instanceof MongoBulkWriteError) {
    const result = toResultDocument(error.result)
    if (!isJson(result)) return result
    // Optional in the format; the driver lists there what it meant to insert, written or not.
    const { insertedIds: _meant, ...rest } = result
    return rest
  }
  return undefined
}
