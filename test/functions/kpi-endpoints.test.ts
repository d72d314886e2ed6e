import { beforeAll, describe, expect, it } from 'vitest'
import { kpiDefinitions } from '../../domain/kpi/definitions.ts'
import { loadRawData } from '../support/kpi/database.ts'
import { setUpKpis } from '../support/kpi/set-up.ts'
import type { kpiHandlers } from '../support/kpi-app.ts'

const kpis = setUpKpis('kpi_endpoints_test')
const day = 86_400_000
const today = Math.floor(Date.now() / day) * day
const date = (back: number): string => new Date(today - back * day).toISOString().slice(0, 10)
const ago = (back: number): Date => new Date(today - back * day + 1000)

const row = (subscription_id: string, back: number, overrides: object = {}) => ({
  subscription_id,
  user_id: `user of ${subscription_id}`,
  effective_at: ago(back),
  recorded_at: ago(back),
  status: 'active',
  plan: 'pro',
  mrr: 50,
  ...overrides,
})

beforeAll(async () => {
  await loadRawData(kpis.db, {
    users: [{ _id: 'user of a', created_at: ago(99) }],
    subscriptions: [],
    subscription_events: [
      row('a', 40),
      row('a', 3, { mrr: 80 }),
      row('b', 5),
      row('b', 2, { status: 'cancelled' }),
      row('c', 2, { mrr: 7 }),
    ],
    analytics_events: [],
    marketing_spend: [],
    nps_responses: [],
    kpi_config: [],
  })
  await kpis.app.call('backfillKpiSnapshots', date(3), date(0))
})

describe('GET /kpis/current', () => {
  it('answers live numbers to every role', async () => {
    for (const role of ['viewer', 'analyst', 'admin'])
      expect(await kpis.app.serve('serveCurrentKpis', {}, role)).toMatchObject({
        status: 200,
        body: { mrr: 87, arr: 1044, active_subscriptions: 2, total_users: 1, partial: true },
      })
  })
})

describe('GET /kpis/snapshots', () => {
  it('answers the stored snapshots of the days asked for, oldest first', async () => {
    const { status, body } = await kpis.app.serve('serveKpiSnapshots', { from: date(2), to: date(1) }, 'viewer')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      from: new Date(today - 2 * day),
      to: new Date(today - day),
      snapshots: [
        { snapshot_date: new Date(today - 2 * day), revision: 1, metrics: { mrr: 130 } },
        { snapshot_date: new Date(today - day), revision: 1, metrics: { mrr: 87 } },
      ],
    })
  })

  it('answers the last 90 days without dates, and only the metrics asked for', async () => {
    const { body } = await kpis.app.serve('serveKpiSnapshots', { metrics: 'mrr, churn_rate' }, 'analyst')
    expect(Object(body).snapshots.map((snapshot: { metrics: unknown }) => snapshot.metrics)).toEqual([
      { mrr: 100, churn_rate: 0 },
      { mrr: 130, churn_rate: 0 },
      { mrr: 87, churn_rate: 0 },
      { mrr: 87, churn_rate: 0 },
    ])
  })
})

describe('GET /kpis/movements', () => {
  it('explains the difference of two closings, day by day', async () => {
    const { body } = await kpis.app.serve('serveKpiMovements', { from: date(4), to: date(0) }, 'viewer')
    expect(body).toMatchObject({
      opening_mrr: 100,
      closing_mrr: 87,
      total: { new_mrr: 7, expansion_mrr: 30, churned_mrr: 50, net_new_mrr: -13, new_customers: 1 },
    })
    const rows: { period: string; net_new_mrr: number }[] = Object(body).rows
    expect(rows.map(({ period, net_new_mrr }) => [period, net_new_mrr])).toEqual([
      [date(4), 0],
      [date(3), 30],
      [date(2), -43],
      [date(1), 0],
    ])
  })

  it('sums up by month', async () => {
    const { body } = await kpis.app.serve('serveKpiMovements', { from: date(60), interval: 'month' }, 'viewer')
    const rows: { net_new_mrr: number }[] = Object(body).rows
    expect(rows.reduce((sum, { net_new_mrr }) => sum + net_new_mrr, 0)).toBe(87)
    expect(Object(body)).toMatchObject({ opening_mrr: 0, closing_mrr: 87, interval: 'month' })
  })
})

describe('GET /kpis/cohorts', () => {
  it('answers both tables', async () => {
    const { body } = await kpis.app.serve('serveKpiCohorts', {}, 'viewer')
    const { cohort_retention, usage_retention } = Object(body)
    expect(cohort_retention.reduce((sum: number, { size }: { size: number }) => sum + size, 0)).toBe(3)
    expect(usage_retention).toEqual([])
  })
})

describe('GET /kpis/definitions', () => {
  it('answers how every number is defined', async () => {
    expect(await kpis.app.serve('serveKpiDefinitions', {}, 'viewer')).toEqual({
      status: 200,
      body: { definitions: kpiDefinitions },
    })
  })
})

describe('a KPI request that cannot be answered', () => {
  const served: (keyof typeof kpiHandlers)[] = [
    'serveCurrentKpis',
    'serveKpiSnapshots',
    'serveKpiMovements',
    'serveKpiCohorts',
    'serveKpiDefinitions',
  ]
  it.each(served)('%s is refused without a role', async (name) => {
    for (const role of [undefined, 'guest'])
      expect(await kpis.app.serve(name, {}, role)).toEqual({
        status: 403,
        body: {
          error: 'KPIs are for users with the role viewer, analyst or admin',
          error_code: 'NoMatchingRuleFound',
        },
      })
  })

  it.each([
    ['serveCurrentKpis', { as_of: 'x' }, 'unknown parameter "as_of"'],
    ['serveKpiSnapshots', { from: 'x' }, 'from must be a date: YYYY-MM-DD, or YYYY-MM-DDThh:mm:ssZ'],
    ['serveKpiSnapshots', { to: '2024-01-01T10:00:00Z' }, 'to must be a day: YYYY-MM-DD'],
    ['serveKpiSnapshots', { from: '2024-01-02', to: '2024-01-01' }, 'from must not be after to'],
    ['serveKpiSnapshots', { from: '1990-01-01', to: '2024-01-01' }, 'from and to may be 3660 days apart at most'],
    ['serveKpiSnapshots', { metrics: 'mrr,arrr' }, 'unknown metric "arrr"; GET /kpis/definitions lists them'],
    ['serveKpiSnapshots', { metrics: 'mrr,' }, 'unknown metric ""; GET /kpis/definitions lists them'],
    ['serveKpiSnapshots', { metric: 'mrr' }, 'unknown parameter "metric"; there are: from, to, metrics'],
    ['serveKpiMovements', { interval: 'week' }, 'interval must be day or month'],
    ['serveKpiMovements', { from: '2024-02-30' }, 'from must be a date: YYYY-MM-DD, or YYYY-MM-DDThh:mm:ssZ'],
    ['serveKpiCohorts', { as_of: '9999-01-01' }, 'as_of must not be in the future'],
    ['serveKpiCohorts', { as_of: '$ne' }, 'as_of must be a date: YYYY-MM-DD, or YYYY-MM-DDThh:mm:ssZ'],
  ] as const)('%s with %j answers 400', async (name, query, error) => {
    expect(await kpis.app.serve(name, query, 'viewer')).toEqual({
      status: 400,
      body: { error, error_code: 'InvalidParameter' },
    })
  })
})
