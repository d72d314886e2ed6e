import fc from 'fast-check'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestDatabase } from '../support/database.ts'
import { loadRawData } from '../support/kpi/database.ts'
import { naiveKpis, type RawData } from '../support/kpi/naive-kpis.ts'
import { centre, randomData } from '../support/kpi/random-data.ts'
import { createKpiApp, type KpiApp } from '../support/kpi-app.ts'

const database = 'kpi_definitions_test'
const day = 86_400_000
const runs = Number(process.env.KPI_RUNS ?? 8)

let server: TestDatabase
let client: MongoClient
let app: KpiApp

beforeAll(async () => {
  server = await startTestDatabase()
  client = new MongoClient(server.uri)
  app = createKpiApp(client, database)
})

afterAll(async () => {
  await client.db(database).dropDatabase()
  await client.close()
  await server.close()
})

const asOf = fc.constantFrom(centre, centre, centre - 1 * day, centre + 3 * day, centre + day / 2, centre - 123_456)
/** A customer who began in the half day before a window that opens at noon. */
const beganBeforeNoon: RawData = {
  users: [],
  subscriptions: [],
  subscription_events: [
    {
      subscription_id: 's',
      user_id: 'u',
      effective_at: new Date('2024-01-31'),
      seq: 0,
      status: 'active',
      plan: 'pro',
      billing_cycle: 'monthly',
      amount: 12.34,
    },
  ],
  analytics_events: [],
  marketing_spend: [],
  nps_responses: [],
  kpi_config: [],
}

const window = fc.constantFrom(undefined, undefined, 29 * day, 7 * day, 12.5 * day)

describe('a dry run', () => {
  it('prints what the definitions say, whatever the rows, the ids and the instant', async () => {
    await fc.assert(
      fc.asyncProperty(randomData(), asOf, window, async (data, instant, length) => {
        await loadRawData(client.db(database), data)
        const windowFrom = length === undefined ? undefined : instant - length
        const snapshot = await app.call('computeKpiSnapshot', new Date(instant), {
          dry_run: true,
          ...(windowFrom === undefined ? {} : { window_from: new Date(windowFrom) }),
        })
        expect(snapshot).toMatchObject({ partial: instant % day !== 0 })
        expect(Object(snapshot).metrics).toEqual(naiveKpis(data, instant, windowFrom))
        expect(await client.db(database).collection('kpi_snapshots').countDocuments()).toBe(0)
      }),
      { numRuns: runs, examples: [[beganBeforeNoon, centre + day / 2, undefined]] },
    )
  })

  it('is what storing computes from the derived collections', async () => {
    await fc.assert(
      fc.asyncProperty(randomData(), async (data) => {
        await loadRawData(client.db(database), data)
        const stored = await app.call('computeKpiSnapshot', new Date(centre))
        expect(Object(stored).metrics).toEqual(naiveKpis(data, centre))
      }),
      { numRuns: runs },
    )
  })
})
