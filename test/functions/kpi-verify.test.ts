import type { Document } from 'mongodb'
import { beforeEach, describe, expect, it } from 'vitest'
import { loadRawData } from '../support/kpi/database.ts'
import { setUpKpis } from '../support/kpi/set-up.ts'

const kpis = setUpKpis('kpi_verify_test')
const day = 86_400_000
const [from, to] = [new Date('2024-01-15'), new Date('2024-01-20')]
const ago = (days: number): Date => new Date(to.getTime() - days * day + 1)

beforeEach(async () => {
  await loadRawData(kpis.db, {
    users: [
      { _id: 'u', created_at: ago(50) },
      { _id: 'staff', created_at: ago(50), is_test: true },
    ],
    subscriptions: [
      { _id: 'old', user_id: 'w', status: 'active', plan: 'pro', mrr: 5, start_date: ago(60), end_date: '2024' },
    ],
    subscription_events: [
      { subscription_id: 's', user_id: 'u', effective_at: ago(40), status: 'active', plan: 'pro', mrr: 49 },
      { subscription_id: 't', user_id: 'staff', effective_at: ago(40), status: 'trialing', plan: 'pro', mrr: 20 },
    ],
    analytics_events: [
      { event_type: 'login', user_id: 'u', timestamp: ago(1) },
      { event_type: 'login', user_id: 'staff', timestamp: ago(1) },
    ],
    marketing_spend: [],
    nps_responses: [],
    kpi_config: [],
  })
  await kpis.app.call('backfillKpiSnapshots', from, to)
})

const verify = async (): Promise<Document> => Object(await kpis.app.call('verifyKpiSnapshots', from, to))
const clean = { checked: 6, differing: [], differing_rows: [], missing: [], next: null }

describe('verifyKpiSnapshots', () => {
  it('finds nothing where nobody tampered, test accounts and broken rows included', async () => {
    expect(await verify()).toEqual(clean)
  })

  it('is not disturbed by what happened after the last date', async () => {
    const later = { subscription_id: 's', user_id: 'u', status: 'active', plan: 'pro' }
    await kpis.db.collection('subscription_events').insertMany([
      { ...later, effective_at: to, mrr: 60 },
      { ...later, effective_at: ago(-3), mrr: 70 },
    ])
    await kpis.db.collection('analytics_events').insertOne({ event_type: 'login', user_id: 'u', timestamp: ago(-1) })
    expect(await verify()).toEqual(clean)
  })

  it('finds a snapshot whose day is another, that lacks a metric, or has one that nobody computes', async () => {
    await kpis.db
      .collection('kpi_snapshots')
      .updateOne({ snapshot_date: to }, { $set: { day: to, 'metrics.vanity': 1 }, $unset: { 'metrics.cac': '' } })
    expect((await verify()).differing).toEqual([
      {
        snapshot_date: to,
        final: true,
        metrics: [
          { name: 'cac', stored: 'absent', computed: null },
          { name: 'vanity', stored: 1, computed: 'absent' },
          { name: 'day', stored: to, computed: new Date('2024-01-19') },
        ],
      },
    ])
  })

  it('finds derived rows that are missing, invented or changed, and a backfill mends them', async () => {
    const ghost: Document = { d: new Date('2024-01-16'), u: 'ghost' }
    await kpis.db.collection('user_activity_daily').insertOne({ ...ghost, _id: ghost as never, n: 1 })
    await kpis.db.collection('user_activity_daily').deleteOne({ u: 'u', d: new Date('2024-01-19') })
    await kpis.db.collection('customer_mrr_segments').updateOne({ u: 'u' }, { $set: { mrr: 1 } })
    await kpis.db.collection('subscription_segments').deleteOne({ s: 's' })
    const { differing, differing_rows } = await verify()
    expect(differing).toEqual([])
    expect(differing_rows.map(({ collection, problem }: Document) => `${collection} ${problem}`)).toEqual([
      'user_activity_daily missing',
      'user_activity_daily unexpected',
      'subscription_segments missing',
      'customer_mrr_segments differs',
    ])
    expect(differing_rows[3]).toEqual({
      collection: 'customer_mrr_segments',
      id: { u: 'u', from: new Date('2023-12-12') },
      problem: 'differs',
      fields: [{ name: 'mrr', stored: 1, computed: 49 }],
    })
    await kpis.app.call('backfillKpiSnapshots', from, to)
    expect(await verify()).toEqual(clean)
  })
})

describe('snapshots of days that are not over', () => {
  const tomorrow = new Date(Math.floor(Date.now() / day + 1) * day)

  it('are computed, marked as partial and not stored', async () => {
    expect(await kpis.app.call('computeKpiSnapshot', tomorrow)).toMatchObject({ partial: true, metrics: { mrr: 54 } })
    expect(await kpis.db.collection('kpi_snapshots').countDocuments({ snapshot_date: { $gt: to } })).toBe(0)
  })

  it('are no part of a backfill', async () => {
    await expect(kpis.app.call('backfillKpiSnapshots', from, tomorrow)).rejects.toThrow(
      'to must not be in the future: its day is not over',
    )
  })
})
