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
})
