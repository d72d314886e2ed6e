import type { Db, Document } from 'mongodb'
import type { RawData, RawDoc } from './naive-kpis.ts'

/** Replaces everything in `db` with `data`. Collections are emptied, not dropped: indexes stay. */
export async function loadRawData(db: Db, data: Partial<RawData>): Promise<void> {
  await clear(db)
  for (const [name, documents] of Object.entries<RawDoc[]>({ ...data }))
    if (documents.length > 0) await db.collection(name).insertMany(documents.map((document) => ({ ...document })))
}

const derived = [
  'kpi_snapshots',
  'user_activity_daily',
  'subscription_segments',
  'customer_mrr_segments',
  'kpi_rollups',
  'kpi_state',
  'kpi_repairs',
]

export async function clear(db: Db): Promise<void> {
  const raw = [
    'users',
    'subscriptions',
    'subscription_events',
    'analytics_events',
    'marketing_spend',
    'nps_responses',
    'kpi_config',
  ]
  await Promise.all([...raw, ...derived].map((name) => db.collection(name).deleteMany({})))
}

export async function clearDerived(db: Db): Promise<void> {
  await Promise.all(derived.map((name) => db.collection(name).deleteMany({})))
}

/** What readers of the snapshots see, by date, without the stamps of the computation. */
export function storedMetrics(db: Db): Promise<Document[]> {
  return db
    .collection('kpi_snapshots')
    .find({}, { projection: { _id: 0, snapshot_date: 1, metrics: 1 }, sort: { snapshot_date: 1 } })
    .toArray()
}
