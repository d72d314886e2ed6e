import type { Collection, Db, MongoClient } from 'mongodb'
import { biDatabase } from '../../schemas/database/collections.ts'
import { type DemoEvent, generateActivity } from './activity.ts'
import { createRandom } from './random.ts'
import { type DemoScaleName, demoScales } from './scale.ts'
import { generateSubscriptions } from './subscriptions.ts'
import { generateNps, generateSpend } from './surveys.ts'
import { generateUsers } from './users.ts'

export interface SeedOptions {
  readonly client: MongoClient
  readonly scale: DemoScaleName
  /** Midnight UTC of the day the demo ends on; every date counts back from it. */
  readonly today: Date
  /** Called as it goes, with what is being written. */
  readonly progress?: (text: string) => void
}

export interface SeedCounts {
  readonly users: number
  readonly subscriptions: number
  readonly subscription_events: number
  readonly analytics_events: number
  readonly nps_responses: number
  readonly marketing_spend: number
}

const seedOfTheDemo = 20_240_120
const batchSize = 5_000

async function insertInBatches<T extends object>(db: Db, name: string, documents: readonly T[]): Promise<void> {
  const collection: Collection = db.collection(name)
  for (let from = 0; from < documents.length; from += batchSize)
    await collection.insertMany(documents.slice(from, from + batchSize), { ordered: false })
}

/** True when the database holds documents that a seed would sit beside. */
export async function hasData(client: MongoClient): Promise<boolean> {
  return (
    (await client
      .db(biDatabase)
      .collection('users')
      .findOne({}, { projection: { _id: 1 } })) !== null
  )
}

/** Writes the demo: raw collections only. Snapshots are computed afterwards, by the product's functions. */
export async function seedDemo(options: SeedOptions): Promise<SeedCounts> {
  const { client, today } = options
  const scale = demoScales[options.scale]
  const random = createRandom(seedOfTheDemo)
  const db = client.db(biDatabase)
  const { counted, uncounted } = generateUsers(scale, today, random)
  const { subscriptions, events } = generateSubscriptions(scale, counted, today, random)
  const nps = generateNps(scale, counted, today, random)
  const spend = generateSpend(scale, today, random)

  let activityCount = 0
  let pending: DemoEvent[] = []
  const flush = async (): Promise<void> => {
    await insertInBatches(db, 'analytics_events', pending)
    activityCount += pending.length
    pending = []
  }
  for (const day of generateActivity(scale, counted, today, random)) {
    pending.push(...day)
    if (pending.length >= batchSize) {
      await flush()
      options.progress?.(`  ${activityCount.toLocaleString('en')} events`)
    }
  }
  await flush()
  // After the activity, which says when each person was last here.
  await insertInBatches(db, 'users', [...counted, ...uncounted])
  await insertInBatches(db, 'subscriptions', subscriptions)
  await insertInBatches(db, 'subscription_events', events)
  await insertInBatches(db, 'nps_responses', nps)
  await insertInBatches(db, 'marketing_spend', spend)
  await db
    .collection<{ _id: string }>('kpi_config')
    .updateOne(
      { _id: 'default' },
      { $setOnInsert: { reporting_currency: 'USD', gross_margin: 1, nps_window_days: 90, late_window_days: 35 } },
      { upsert: true },
    )
  return {
    users: counted.length + uncounted.length,
    subscriptions: subscriptions.length,
    subscription_events: events.length,
    analytics_events: activityCount,
    nps_responses: nps.length,
    marketing_spend: spend.length,
  }
}
