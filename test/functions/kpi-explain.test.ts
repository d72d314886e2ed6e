import type { Document } from 'mongodb'
import { beforeAll, describe, expect, it } from 'vitest'
import { kpiDefinitions } from '../../domain/kpi/definitions.ts'
import { loadRawData } from '../support/kpi/database.ts'
import { setUpKpis } from '../support/kpi/set-up.ts'

const kpis = setUpKpis('kpi_explain_test')
const day = 86_400_000
const asOf = new Date('2024-03-01')
const ago = (days: number): Date => new Date(asOf.getTime() - days * day)

let metrics: Document

const row = (subscription_id: string, days: number, state: object) => ({
  subscription_id,
  user_id: `owner of ${subscription_id}`,
  effective_at: ago(days),
  status: 'active',
  plan: 'pro',
  mrr: 50,
  ...state,
})

beforeAll(async () => {
  await loadRawData(kpis.db, {
    users: [{ _id: 'u', created_at: ago(50) }],
    subscriptions: [],
    subscription_events: [
      row('grows', 400, {}),
      row('grows', 20, { mrr: 70 }),
      row('shrinks', 400, {}),
      row('shrinks', 20, { mrr: 30, status: 'past_due' }),
      row('leaves', 400, {}),
      row('leaves', 20, { status: 'cancelled' }),
      row('returns', 90, {}),
      row('returns', 60, { status: 'cancelled' }),
      row('returns', 20, {}),
      row('comes', 25, { status: 'trialing', mrr: 0 }),
      row('comes', 20, {}),
      row('tries', 5, { status: 'trialing', mrr: 0 }),
    ],
    analytics_events: [
      { event_type: 'login', user_id: 'u', timestamp: ago(0.5) },
      { event_type: 'login', user_id: 'v', timestamp: ago(40) },
    ],
    marketing_spend: [{ period_start: ago(30), period_end: asOf, amount: 100 }],
    nps_responses: [{ user_id: 'u', score: 6, responded_at: ago(3) }],
    kpi_config: [],
  })
  metrics = Object(await kpis.app.call('computeKpiSnapshot', asOf)).metrics
})

describe('explainKpi of days whose raw events have expired', () => {
  it('says so, and shows what the rollup keeps of their people', async () => {
    const d = ago(1)
    await kpis.db.collection<{ _id: Date }>('kpi_rollups').updateOne({ _id: d }, { $set: { events_expire: true } })
    const kept = await kpis.db.collection('analytics_events').find({ user_id: 'u' }).toArray()
    await kpis.db.collection('analytics_events').deleteMany({ user_id: 'u' })
    expect(await explain('dau')).toMatchObject({
      value: 1,
      stored: 1,
      expired_days: [d],
      row_count: 1,
      rows: [{ user_id: 'u', events: 1, last_day: d, raw_events: 'expired' }],
    })
    expect(await explain('usage_retention')).toMatchObject({ expired_days: [d] })
    expect(await explain('mrr')).toMatchObject({ expired_days: [] })
    await kpis.db.collection('analytics_events').insertMany(kept)
    await kpis.db.collection<{ _id: Date }>('kpi_rollups').updateOne({ _id: d }, { $unset: { events_expire: 1 } })
  })
})

const explain = async (metric: string, options: object = {}): Promise<Document> =>
  Object(await kpis.app.call('explainKpi', metric, asOf, options))

describe('explainKpi', () => {
  it.each(kpiDefinitions.map(({ name, stored }) => [name, stored] as const))(
    'shows the rows behind %s',
    async (name, stored) => {
      const explained = await explain(name)
      expect(explained.value).toEqual(metrics[name])
      expect(explained.value).not.toBeNull()
      expect(explained.stored).toEqual(stored ? metrics[name] : null)
      expect(explained.rows.length).toBeGreaterThan(0)
    },
  )

  it('lists the customers of a cohort with what they paid at the close of each month', async () => {
    expect((await explain('cohort_retention')).rows).toEqual([
      ...['grows', 'leaves', 'shrinks'].map((name) => ({
        user_id: `owner of ${name}`,
        cohort: '2023-01',
        initial_mrr: 50,
        mrr_by_month: [...Array(13).fill(50), { grows: 70, leaves: 0, shrinks: 30 }[name]],
      })),
      { user_id: 'owner of returns', cohort: '2023-12', initial_mrr: 50, mrr_by_month: [50, 0, 50] },
      { user_id: 'owner of comes', cohort: '2024-02', initial_mrr: 50, mrr_by_month: [50] },
    ])
  })

  it('lists the months in which the people of a cohort were active', async () => {
    expect((await explain('usage_retention')).rows).toEqual([
      { user_id: 'v', cohort: '2024-01', active_months: ['2024-01'] },
      { user_id: 'u', cohort: '2024-02', active_months: ['2024-02'] },
    ])
  })

  it('says as what an answer counts', async () => {
    expect((await explain('nps')).rows).toEqual([
      { user_id: 'u', score: 6, counts_as: 'detractor', responded_at: ago(3) },
    ])
  })

  it('compares no number of a window of its own with what is stored', async () => {
    expect(await explain('churn_rate', { window_from: ago(10) })).toMatchObject({ value: 0, stored: null })
  })
})
