import { Collection } from 'mongodb'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { loadAppFolder } from '../../cli/app-folder/index.ts'
import { repositoryRoot } from '../../cli/own-app.ts'
import { clear } from '../support/kpi/database.ts'
import { setUpKpis } from '../support/kpi/set-up.ts'
import { createKpiApp } from '../support/kpi-app.ts'

const database = 'kpi_data_source_test'
const kpis = setUpKpis(database)
const reading = ['find', 'aggregate', 'countDocuments'] as const

beforeAll(async () => {
  await clear(kpis.db)
  const now = Date.now()
  await kpis.db
    .collection('analytics_events')
    .insertOne({ event_type: 'login', user_id: 'u', timestamp: new Date(now - 1) })
  await kpis.db.collection<{ _id: string }>('users').insertOne({ _id: 'u' })
})

afterAll(() => {
  vi.restoreAllMocks()
})

/** The read preferences that a night asks for, by collection. */
async function preferencesOfANight(run: () => Promise<unknown>): Promise<Record<string, unknown[]>> {
  const asked = new Map<string, Set<unknown>>()
  for (const method of reading) {
    const original: unknown = Collection.prototype[method]
    if (typeof original !== 'function') throw new TypeError(`${method} is a method`)
    vi.spyOn(Collection.prototype, method).mockImplementation(function (this: Collection, ...args: unknown[]) {
      const known = asked.get(this.collectionName) ?? new Set()
      asked.set(this.collectionName, known.add(Object(args[1]).readPreference ?? 'primary'))
      return Reflect.apply(original, this, args)
    } as never)
  }
  await run()
  vi.restoreAllMocks()
  return Object.fromEntries([...asked].map(([name, preferences]) => [name, [...preferences]]))
}

const raw = ['analytics_events', 'users', 'marketing_spend', 'nps_responses']
const derived = [
  'user_activity_daily',
  'subscription_segments',
  'customer_mrr_segments',
  'kpi_snapshots',
  'kpi_rollups',
]

it.each([
  ['reads raw rows from secondaries where the app has a data source for that', true, 'secondaryPreferred'],
  ['reads everything from the one data source of other apps', false, 'primary'],
])('a night %s', async (_, hasSecond, expected) => {
  const { definition } = await loadAppFolder(repositoryRoot)
  const [primary] = definition.dataSources
  if (primary === undefined) throw new Error('the app has a data source')
  const second = { ...primary, name: 'mongodb-atlas-analytics', readPreference: 'secondaryPreferred' as const }
  const app = createKpiApp(kpis.client, database, {}, hasSecond ? [primary, second] : [primary])
  const asked = await preferencesOfANight(() => app.call('nightlyKpiSnapshot'))
  for (const name of raw) expect([name, asked[name]]).toEqual([name, [expected]])
  for (const name of derived) expect([name, asked[name]]).toEqual([name, ['primary']])
})
