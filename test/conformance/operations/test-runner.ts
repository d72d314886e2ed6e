import { setTimeout as sleep } from 'node:timers/promises'
import { type ClientSession, type Document, MongoClient, type TopologyDescription } from 'mongodb'
import { z } from 'zod'
import { OperationThread } from '../entities.ts'
import { InvalidTestError, MismatchError, MissingFeatureError } from '../errors.ts'
import { checked, entityDescription, nestedOperation } from '../format.ts'
import { assertMatches, print } from '../match.ts'
import type { OperationContext, OperationTable } from './operation.ts'

const WAIT_MS = 10_000

/** The special operations of the format, those with `object: testRunner`. */
export const testRunnerOperations: OperationTable<undefined> = {
  createEntities: (_, { entities: descriptions }, { entities }) =>
    entities.create(checked(z.array(entityDescription), descriptions)),

  failPoint: async (_, { client, failPoint }, { entities, failPoints }) => {
    await entities.get(client, MongoClient).db('admin').command(failPoint)
    failPoints.add(failPoint.configureFailPoint)
  },
  targetedFailPoint: async (_, { session }) => {
    assertPinned(session, true)
    throw new MissingFeatureError('mongos pinning')
  },

  assertSessionPinned: async (_, { session }) => assertPinned(session, true),
  assertSessionUnpinned: async (_, { session }) => assertPinned(session, false),
  assertSessionDirty: async (_, { session }) => assertDirty(session, true),
  assertSessionNotDirty: async (_, { session }) => assertDirty(session, false),
  assertSessionTransactionState: async (_, { session, state }) => {
    const actual = STATES[session.transaction.state] ?? session.transaction.state
    if (actual !== state) throw new MismatchError(`expected the transaction ${state}, got ${actual}`)
  },
  assertSameLsidOnLastTwoCommands: async (_, { client }, context) => {
    const [last, previous] = lastTwoLsids(client, context)
    assertMatches(previous, last, context.entities, false, 'lsid of the last command')
  },
  assertDifferentLsidOnLastTwoCommands: async (_, { client }, context) => {
    const [last, previous] = lastTwoLsids(client, context)
    if (print(last) === print(previous)) throw new MismatchError(`the last two commands have the lsid ${print(last)}`)
  },

  assertCollectionExists: async (_, args, context) => assertCollection(args, true, context),
  assertCollectionNotExists: async (_, args, context) => assertCollection(args, false, context),
  assertIndexExists: async (_, args, context) => assertIndex(args, true, context),
  assertIndexNotExists: async (_, args, context) => assertIndex(args, false, context),

  assertNumberConnectionsCheckedOut: async (_, { client, connections }, { entities }) => {
    // A connection goes back to the pool right after the promise of its operation is settled.
    await new Promise((resolve) => setImmediate(resolve))
    const actual = entities.eventLog(client).checkedOut
    if (actual !== connections)
      throw new MismatchError(`expected ${connections} connections checked out, got ${actual}`)
  },
  assertEventCount: async (_, { client, event, count }, { entities }) => {
    const actual = entities.eventLog(client).count(event, entities)
    if (actual !== count) throw new MismatchError(`expected ${print(event)} ${count} times, got it ${actual} times`)
  },
  waitForEvent: (_, { client, event, count }, { entities }) =>
    entities.eventLog(client).waitFor(event, count, WAIT_MS, entities),

  runOnThread: async (_, { thread, operation }, { entities, execute }) => {
    const queued = checked(nestedOperation, operation)
    entities.get(thread, OperationThread).queue(() => execute(queued))
  },
  waitForThread: async (_, { thread }, { entities }) => {
    const late = sleep(WAIT_MS, 'late' as const, { ref: false })
    if ((await Promise.race([entities.get(thread, OperationThread).finish(), late])) === 'late') {
      throw new MismatchError(`thread ${thread} has not finished after ${WAIT_MS} ms`)
    }
  },

  recordTopologyDescription: async (_, { client, id }, { entities }) =>
    entities.set(id, topologyOf(entities.get(client, MongoClient))),
  assertTopologyType: async (_, { topologyDescription, topologyType }, { entities }) => {
    const { type } = entities.value(topologyDescription) as TopologyDescription
    if (type !== topologyType) throw new MismatchError(`expected topology ${topologyType}, got ${type}`)
  },
  waitForPrimaryChange: async (_, { client, priorTopologyDescription, timeoutMS }, { entities }) => {
    const before = primaryOf(entities.value(priorTopologyDescription) as TopologyDescription)
    const deadline = Date.now() + (timeoutMS ?? WAIT_MS)
    for (;;) {
      const now = primaryOf(topologyOf(entities.get(client, MongoClient)))
      if (now !== undefined && now !== before) return
      if (Date.now() > deadline) throw new MismatchError('the primary did not change')
      await sleep(10)
    }
  },
  wait: (_, { ms }) => sleep(ms),
  loop: async () => {
    throw new MissingFeatureError('loop')
  },
}

const STATES: Readonly<Record<string, string>> = {
  NO_TRANSACTION: 'none',
  STARTING_TRANSACTION: 'starting',
  TRANSACTION_IN_PROGRESS: 'in_progress',
  TRANSACTION_COMMITTED: 'committed',
  TRANSACTION_COMMITTED_EMPTY: 'committed',
  TRANSACTION_ABORTED: 'aborted',
}

function assertPinned(session: ClientSession, pinned: boolean): void {
  if (session.isPinned !== pinned) throw new MismatchError(`the session is ${pinned ? 'not ' : ''}pinned`)
}

function assertDirty(session: ClientSession, dirty: boolean): void {
  if (session.serverSession?.isDirty !== dirty) throw new MismatchError(`the session is ${dirty ? 'not ' : ''}dirty`)
}

function lastTwoLsids(client: unknown, { entities }: OperationContext): [unknown, unknown] {
  const [previous, last] = entities.eventLog(client).startedCommands().slice(-2)
  if (previous?.lsid === undefined || last?.lsid === undefined) {
    throw new MismatchError('fewer than two commands with an lsid')
  }
  return [last.lsid, previous.lsid]
}

async function assertCollection(args: Document, exists: boolean, { internal }: OperationContext): Promise<void> {
  const { databaseName, collectionName } = args
  const found = await internal.db(databaseName).listCollections({ name: collectionName }, { nameOnly: true }).toArray()
  if (found.length > 0 !== exists) {
    throw new MismatchError(`collection ${databaseName}.${collectionName} ${exists ? 'does not exist' : 'exists'}`)
  }
}

async function assertIndex(args: Document, exists: boolean, { internal }: OperationContext): Promise<void> {
  const { databaseName, collectionName, indexName } = args
  const indexes = await internal
    .db(databaseName)
    .collection(collectionName)
    .listIndexes()
    .toArray()
    .catch((error) => {
      if (error.code === 26) return []
      throw error
    })
  if (indexes.some(({ name }) => name === indexName) !== exists) {
    throw new MismatchError(`index ${indexName} of ${collectionName} ${exists ? 'does not exist' : 'exists'}`)
  }
}

/** The driver shows its topology to its own tests only. */
function topologyOf(client: MongoClient): TopologyDescription {
  const { topology } = client as unknown as { topology?: { description: TopologyDescription } }
  if (!topology) throw new InvalidTestError('the client is not connected')
  return topology.description
}

function primaryOf(topology: TopologyDescription): string | undefined {
  return [...topology.servers.values()].find((server) => server.type === 'RSPrimary')?.address
}
