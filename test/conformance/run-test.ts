import { setTimeout as sleep } from 'node:timers/promises'
import { AbstractCursor, ChangeStream, ClientSession, Collection, Db, GridFSBucket, MongoClient } from 'mongodb'
import { Entities } from './entities.ts'
import { assertErrorMatches } from './error-match.ts'
import { InvalidTestError, MismatchError, MissingFeatureError } from './errors.ts'
import type { CollectionData, Operation, TestFile, UnifiedTest } from './format.ts'
import { assertEqual, assertMatches, print } from './match.ts'
import { bucketOperations } from './operations/bucket.ts'
import { clientOperations } from './operations/client.ts'
import { collectionOperations } from './operations/collection.ts'
import { cursorOperations } from './operations/cursor.ts'
import { databaseOperations } from './operations/database.ts'
import { type OperationContext, type OperationTable, ROOT_ARRAY_OPERATIONS } from './operations/operation.ts'
import { sessionOperations } from './operations/session.ts'
import { testRunnerOperations } from './operations/test-runner.ts'
import { assertNoTimeouts, toDriverOptions } from './options.ts'
import { toResultDocument } from './results.ts'

/** No single operation of a test file waits this long: one that does hangs, and fails by name. */
const OPERATION_TIMEOUT_MS = 20_000

/** Helpers that specifications name and the official driver for Node does not have. */
const ABSENT_HELPERS: ReadonlySet<string> = new Set([
  'mapReduce',
  'listCollectionObjects',
  'listDatabaseObjects',
  'deleteByName',
  'renameByName',
  'downloadToStream',
])

/**
 * Runs one test of a file against the server.
 *
 * @param uri the server, for the clients of the test
 * @param internal a client of the runner's own on the same server
 * @throws {MismatchError} when server or driver did something else than the test says
 * @throws {InvalidTestError} when the test itself cannot be run
 * @throws {MissingFeatureError} when it uses what driver or runner lack by design
 */
export async function runTest(file: TestFile, test: UnifiedTest, uri: string, internal: MongoClient): Promise<void> {
  if (test.expectLogMessages !== undefined) throw new MissingFeatureError('log messages')
  if (test.expectTracingMessages !== undefined) throw new MissingFeatureError('tracing')
  for (const data of file.initialData ?? []) await setUp(data, internal)

  const entities = new Entities(uri)
  const failPoints = new Set<string>()
  const context: OperationContext = {
    entities,
    internal,
    failPoints,
    execute: (operation, rethrow) => executeOperation(operation, context, rethrow),
  }
  try {
    await entities.create(file.createEntities ?? [])
    for (const [index, operation] of test.operations.entries()) {
      try {
        await executeOperation(operation, context)
      } catch (error) {
        throw located(error, `operation ${index} (${operation.name})`)
      }
    }
    entities.stopObserving()
    await disableFailPoints(failPoints, internal)
    for (const expected of test.expectEvents ?? []) {
      entities.eventLog(expected.client).assertMatches(expected, entities)
    }
    for (const data of test.outcome ?? []) await assertOutcome(data, internal)
  } finally {
    await disableFailPoints(failPoints, internal)
    await entities.close()
    if (mayLeaveTransactions(test)) await killAllSessions(internal)
  }
}

/** Ends transactions that earlier tests left open; a server without the command has none to end. */
export async function killAllSessions(internal: MongoClient): Promise<void> {
  await internal
    .db('admin')
    .command({ killAllSessions: [] })
    .catch(() => {})
}

function mayLeaveTransactions(test: UnifiedTest): boolean {
  return test.operations.some(({ name }) => name === 'startTransaction' || name === 'withTransaction')
}

async function disableFailPoints(failPoints: Set<string>, internal: MongoClient): Promise<void> {
  for (const name of failPoints) await internal.db('admin').command({ configureFailPoint: name, mode: 'off' })
  failPoints.clear()
}

async function setUp(data: CollectionData, internal: MongoClient): Promise<void> {
  const writeConcern = { w: 'majority' } as const
  const db = internal.db(data.databaseName)
  await db.dropCollection(data.collectionName, { writeConcern })
  if (data.createOptions || data.documents.length === 0) {
    await db.createCollection(data.collectionName, { ...toDriverOptions(data.createOptions), writeConcern })
  }
  if (data.documents.length > 0) {
    await db.collection(data.collectionName).insertMany(structuredDocuments(data), { writeConcern })
  }
}

/** The driver adds `_id` to what it inserts: every test gets copies. */
function structuredDocuments(data: CollectionData): Record<string, unknown>[] {
  return data.documents.map((document) => ({ ...document }))
}

async function assertOutcome(data: CollectionData, internal: MongoClient): Promise<void> {
  const documents = await internal
    .db(data.databaseName)
    .collection(data.collectionName, { readConcern: { level: 'local' }, readPreference: 'primary' })
    .find({}, { sort: { _id: 1 } })
    .toArray()
  try {
    assertEqual(data.documents, documents)
  } catch (error) {
    throw located(error, `outcome of ${data.databaseName}.${data.collectionName}`)
  }
}

async function executeOperation(operation: Operation, context: OperationContext, rethrow = false): Promise<void> {
  let result: unknown
  try {
    result = await withTimeout(invoke(operation, context), operation.name)
  } catch (error) {
    if (error instanceof MismatchError || error instanceof InvalidTestError || error instanceof MissingFeatureError) {
      throw error
    }
    if (operation.expectError) assertErrorMatches(operation.expectError, error, context.entities)
    else if (operation.ignoreResultAndError !== true) throw error
    if (rethrow) throw error
    return
  }
  if (operation.ignoreResultAndError === true) return
  if (operation.expectError) throw new MismatchError(`expected an error, got ${print(result)}`)
  if ('expectResult' in operation) assertResult(operation, result, context)
  if (operation.saveResultAsEntity !== undefined) context.entities.set(operation.saveResultAsEntity, result)
}

function assertResult(operation: Operation, result: unknown, { entities }: OperationContext): void {
  const { expectResult: expected } = operation
  const actual = toResultDocument(result)
  if (Array.isArray(expected) && Array.isArray(actual) && ROOT_ARRAY_OPERATIONS.has(operation.name)) {
    if (expected.length !== actual.length) {
      throw new MismatchError(`expected ${print(expected)}, got ${print(actual)}`)
    }
    for (const [index, document] of expected.entries()) {
      assertMatches(document, actual[index], entities, true, `[${index}]`)
    }
    return
  }
  // `$$unsetOrMatches` at the top takes the driver's null, its word for "no result".
  const unset = actual === null && typeof expected === 'object' && expected !== null && '$$unsetOrMatches' in expected
  assertMatches(expected, unset ? undefined : actual, entities, true)
}

async function invoke(operation: Operation, context: OperationContext): Promise<unknown> {
  const { entities } = context
  const args = toDriverOptions(copy(operation.arguments ?? {}) as Record<string, unknown>)
  if (args.session !== undefined) args.session = entities.get(args.session, ClientSession)
  if (operation.object === 'testRunner') return call(testRunnerOperations, undefined, operation, args, context)

  assertNoTimeouts(args)
  const entity = entities.value(operation.object)
  if (entity instanceof MongoClient) return call(clientOperations, entity, operation, args, context)
  if (entity instanceof Db) return call(databaseOperations, entity, operation, args, context)
  if (entity instanceof Collection) return call(collectionOperations, entity, operation, args, context)
  if (entity instanceof ClientSession) return call(sessionOperations, entity, operation, args, context)
  if (entity instanceof GridFSBucket) return call(bucketOperations, entity, operation, args, context)
  if (entity instanceof AbstractCursor || entity instanceof ChangeStream) {
    return call(cursorOperations, entity, operation, args, context)
  }
  throw new InvalidTestError(`entity ${operation.object} has no operations`)
}

function call<T>(
  table: OperationTable<T>,
  entity: T,
  operation: Operation,
  args: Record<string, unknown>,
  context: OperationContext,
): Promise<unknown> {
  const run = table[operation.name]
  if (run) return run(entity, args, context)
  if (ABSENT_HELPERS.has(operation.name)) throw new MissingFeatureError(`driver helper ${operation.name}`)
  throw new InvalidTestError(`unknown operation ${operation.name} on ${operation.object}`)
}

/** The driver writes into what it is given (`_id`), and a file's operations serve again in the next test. */
function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy)
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copy(inner)]))
}

async function withTimeout<T>(work: Promise<T>, name: string): Promise<T> {
  const timer = new AbortController()
  const late = sleep(OPERATION_TIMEOUT_MS, undefined, { signal: timer.signal }).then(() => {
    throw new MismatchError(`${name} has not answered after ${OPERATION_TIMEOUT_MS} ms`)
  })
  late.catch(() => {})
  try {
    return await Promise.race([work, late])
  } finally {
    timer.abort()
  }
}

function located(error: unknown, where: string): unknown {
  if (error instanceof MissingFeatureError || !(error instanceof Error)) return error
  const text = `${where}: ${error instanceof MismatchError ? '' : `${error.name}: `}${error.message}`
  return error instanceof InvalidTestError ? new InvalidTestError(text) : new MismatchError(text, { cause: error })
}
