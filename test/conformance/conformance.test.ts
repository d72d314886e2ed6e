import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestDatabase } from '../support/database.ts'
import { type Outcome, runFiles } from './run-files.ts'

const FIXTURES = path.join(import.meta.dirname, '../fixtures/unified')

let database: TestDatabase
beforeAll(async () => {
  database = await startTestDatabase()
})
afterAll(() => database.close())

async function outcomes(folder: string): Promise<Outcome[]> {
  const found: Outcome[] = []
  await runFiles([path.join(FIXTURES, folder)], database.uri, (outcome) => found.push(outcome))
  return found
}

const MALFORMED: readonly (readonly [name: string, status: string, reason: string | undefined])[] = [
  ['entities: named twice', 'failed', 'operation 0 (createEntities): InvalidTestError: entity client exists'],
  ['entities: of nothing', 'failed', 'operation 0 (createEntities): InvalidTestError: no entity nobody'],
  ['entities: of another kind', 'failed', 'operation 0 (createEntities): InvalidTestError: entity client is no Db'],
  ['entities: of no kind', 'failed', 'operation 0 (createEntities): InvalidTestError: 0: Unrecognized key: "balloon"'],
  [
    'entities: events that share a name with their client',
    'failed',
    'operation 0 (createEntities): InvalidTestError: entity c exists',
  ],
  [
    'entities: two lists of events with one name',
    'failed',
    'operation 0 (createEntities): InvalidTestError: entity l exists',
  ],
  [
    'entities: an event that is none',
    'failed',
    'operation 0 (createEntities): InvalidTestError: unknown event type balloonEvent',
  ],
  [
    'entities: a version of the API that is none',
    'failed',
    'operation 0 (createEntities): MongoParseError: Invalid server API version=never; must be in the following enum: ["1"]',
  ],
  [
    'entities: a document to return that is neither',
    'failed',
    'operation 1 (findOneAndUpdate): InvalidTestError: returnDocument Meanwhile',
  ],
  [
    'entities: an operation of another entity',
    'failed',
    'operation 0 (find): InvalidTestError: unknown operation find on client',
  ],
  [
    'entities: an operation within that is none',
    'failed',
    'operation 1 (runOnThread): InvalidTestError: name: Invalid input: expected string, received undefined',
  ],
  ['exclusive', 'failed', 'tests.0.operations.0: has expectError and expectResult'],
  ['later-major', 'failed', 'schema version 2.0 is not 1.x'],
  ['later-minor: t', 'passed', undefined],
  ['legacy', 'skipped', 'no file of the unified test format (no schemaVersion)'],
  ['no-json', 'failed', 'not readable: Expected double-quoted property name in JSON at position 52 (line 2 column 1)'],
  ['no-tests', 'failed', 'tests: Too small: expected array to have >=1 items'],
  ['two-kinds', 'failed', 'createEntities.0: names exactly one kind of entity'],
  ['unknown-key', 'failed', 'tests.0: Unrecognized key: "expectedEvents"'],
]

describe('the runner of unified test files', () => {
  it('passes what is so and names why it skips the rest', async () => {
    // Fail points and change streams are not every server's: MONGODB_URI may name one without.
    const found = (await outcomes('right')).filter(({ name }) => database.changeStreams || !name.includes('weather'))
    const shop = [
      { name: 'right/shop: counts up one line of one order', status: 'passed' },
      { name: 'right/shop: refuses an order twice', status: 'passed' },
      { name: 'right/shop: keeps what a session wrote in one transaction', status: 'passed' },
      {
        name: 'right/shop: needs a server from the future',
        status: 'skipped',
        reason: 'server version: 99.0 or later',
      },
      { name: 'right/shop: needs several routers', status: 'skipped', reason: 'topology: sharded' },
    ]
    const weather = [
      { name: 'right/weather: a reading is written once although the line broke', status: 'passed' },
      { name: 'right/weather: a stream tells of a reading', status: 'passed' },
    ]
    expect(found).toEqual(database.changeStreams ? [...shop, ...weather] : shop)
  })

  it('fails what is not so, with what was expected and what came', async () => {
    expect(await outcomes('wrong')).toEqual([
      {
        name: 'wrong/claims: two is one',
        status: 'failed',
        reason: 'operation 0 (countDocuments): value differs: expected 2, got 1',
      },
      {
        name: 'wrong/claims: what succeeds fails',
        status: 'failed',
        reason: 'operation 0 (deleteOne): expected an error, got {"acknowledged":true,"deletedCount":1}',
      },
      {
        name: 'wrong/claims: nothing was sent',
        status: 'failed',
        reason: '1 more events than expected: [commandStartedEvent find]',
      },
      {
        name: 'wrong/claims: nothing is left',
        status: 'failed',
        reason: 'outcome of unified-own.facts: value differs: expected [], got [{"_id":1}]',
      },
      {
        name: 'wrong/claims: an operation nobody knows',
        status: 'failed',
        reason: 'operation 0 (levitate): InvalidTestError: unknown operation levitate on facts',
      },
      {
        name: 'wrong/claims: a helper the driver lacks',
        status: 'skipped',
        reason: 'missing feature: driver helper mapReduce',
      },
    ])
  })

  it('fails malformed files by name, each on a line, and goes on', async () => {
    expect(await outcomes('malformed')).toEqual(
      MALFORMED.map(([name, status, reason]) => ({
        name: `malformed/${name}`,
        status,
        ...(reason === undefined ? {} : { reason }),
      })),
    )
  })

  // Fail points, snapshots and streams as a replica set of MongoDB 8 has them: the local database's business.
  it.runIf(process.env.MONGODB_URI === undefined)('runs every kind of operation, event and matcher', async () => {
    const found = await outcomes('kinds')
    expect(found.filter(({ status }) => status === 'failed')).toEqual([])
    const skipped = found.flatMap((outcome) => (outcome.status === 'skipped' ? [outcome.reason] : []))
    expect([...new Set(skipped)].sort()).toEqual([
      'authentication: mongodb-oidc',
      'authentication: required',
      'missing feature: client-side encryption',
      'missing feature: client-side operation timeouts (timeoutMS)',
      'missing feature: driver helper listDatabaseObjects',
      'missing feature: driver helper renameByName',
      'missing feature: log messages',
      'missing feature: loop',
      'missing feature: tracing',
      'server parameter: nobodyHasThis',
      'skipped by its file: not yet',
      'topology: load-balanced',
      'topology: serverless',
      'topology: sharded',
    ])
  })
})
