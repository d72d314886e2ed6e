import type { Document } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { loadRawData } from '../support/kpi/database.ts'
import type { RawData } from '../support/kpi/naive-kpis.ts'
import { setUpKpis } from '../support/kpi/set-up.ts'

const kpis = setUpKpis('kpi_quality_test')
const day = 86_400_000
const asOf = Date.UTC(2024, 2, 1)
const ago = (days: number): Date => new Date(asOf - days * day + 1000)

const sound: RawData = {
  users: [{ _id: 'u', created_at: ago(50) }],
  subscriptions: [],
  subscription_events: [
    { _id: 1, subscription_id: 's', user_id: 'u', effective_at: ago(40), status: 'active', plan: 'pro', mrr: 100 },
  ],
  analytics_events: [{ _id: 1, event_type: 'login', user_id: 'u', timestamp: ago(1) }],
  marketing_spend: [],
  nps_responses: [{ _id: 1, user_id: 'u', score: 9, responded_at: ago(3) }],
  kpi_config: [{ _id: 'default', reporting_currency: 'USD' }],
}

const log = (subscription_id: unknown, row: object) => ({
  _id: `row of ${subscription_id}`,
  subscription_id,
  user_id: 'u',
  effective_at: ago(20),
  status: 'active',
  plan: 'pro',
  ...row,
})

/** A row that must not change a number, and the counter that must tell of it. */
const cases: [string, Partial<Record<keyof RawData, object[]>>, Record<string, unknown>][] = [
  ['a negative amount', { subscription_events: [log('x', { mrr: -50 })] }, { negative_mrr: 1 }],
  ['a free plan with an MRR', { subscription_events: [log('x', { mrr: 5, plan: 'free' })] }, { free_plan_with_mrr: 1 }],
  ['an absurd amount', { subscription_events: [log('x', { mrr: 1e18 })] }, { absurd_amounts: 1 }],
  ['a text as amount', { subscription_events: [log('x', { mrr: '99' })] }, { invalid_amounts: 1 }],
  ['an unknown currency', { subscription_events: [log('x', { mrr: 9, currency: 'XXX' })] }, { unconverted: 1 }],
  ['a rate of 0', { subscription_events: [log('x', { mrr: 9, currency: 'EUR', fx_rate: 0 })] }, { unconverted: 1 }],
  [
    'a row without date',
    { subscription_events: [log('x', { mrr: 9, effective_at: '2024-01-01' })] },
    { invalid_dates: 1 },
  ],
  [
    'a subscription without any date',
    { subscriptions: [{ _id: 'x', user_id: 'u', status: 'active', plan: 'pro', mrr: 9 }] },
    { invalid_dates: 1 },
  ],
  [
    'an event dated after its arrival',
    { analytics_events: [{ event_type: 'login', user_id: 'v', timestamp: ago(1), received_at: ago(2) }] },
    { future_events: 1 },
  ],
  [
    'an event dated after T',
    { analytics_events: [{ event_type: 'login', user_id: 'v', timestamp: new Date(asOf + 9 * day) }] },
    {},
  ],
  [
    'events without a date',
    {
      analytics_events: [
        { event_type: 'login', user_id: 'v', timestamp: 'now' },
        { event_type: 'login', user_id: 'v' },
        { event_type: 'login', user_id: 'v', timestamp: 1 },
      ],
    },
    { invalid_dates: 3 },
  ],
  ['events of nobody', { analytics_events: [{ event_type: 'login', timestamp: ago(1) }] }, {}],
  ['a user without date', { users: [{ _id: 'w' }, { _id: 'x', created_at: 'yesterday' }] }, { invalid_dates: 2 }],
  [
    'a score outside 0..10',
    { nps_responses: [{ user_id: 'u', score: 11, responded_at: ago(2) }] },
    { invalid_nps_scores: 1 },
  ],
  [
    'a score that is a text',
    { nps_responses: [{ user_id: 'u', score: '0', responded_at: ago(2) }] },
    { invalid_nps_scores: 1 },
  ],
  ['an answer without date', { nps_responses: [{ user_id: 'u', score: 0 }] }, { invalid_dates: 1 }],
  ['a paid plan without a price', { subscription_events: [log('x', {})] }, { invalid_amounts: 1 }],
  [
    'a price per quarter without its monthly value',
    { subscription_events: [log('x', { amount: 300, billing_cycle: 'quarterly' })] },
    { invalid_amounts: 1 },
  ],
  ['a status nobody knows', { subscription_events: [log('x', { mrr: 9, status: 'paused' })] }, { unknown_statuses: 1 }],
  ['a list of statuses', { subscription_events: [log('x', { mrr: 9, status: ['active'] })] }, { unknown_statuses: 1 }],
  ['a number as currency', { subscription_events: [log('x', { mrr: 9, currency: 840 })] }, { unconverted: 1 }],
  [
    'a word as currency, whatever its rate',
    { subscription_events: [log('x', { mrr: 9, currency: 'euros', fx_rate: 1.1 })] },
    { unconverted: 1 },
  ],
  [
    'spend without dates',
    {
      marketing_spend: [
        { amount: 5, period_start: '2024-02-01', period_end: ago(1) },
        { amount: 5, period_start: ago(9), period_end: '2024-02-09' },
        { amount: 5 },
      ],
    },
    { invalid_dates: 3 },
  ],
  [
    'spend in a currency that is a list',
    { marketing_spend: [{ amount: 5, period_start: ago(9), period_end: ago(1), currency: ['USD'] }] },
    { unconverted: 1 },
  ],
  [
    'lists of dates, those of events uncounted',
    {
      users: [{ created_at: [ago(9)] }, { created_at: [ago(9), ago(8)], deleted_at: ago(5) }, { created_at: [] }],
      analytics_events: [{ event_type: 'login', user_id: 'v', timestamp: [ago(1)] }],
      nps_responses: [{ user_id: 'u', score: 0, responded_at: [ago(2)] }],
      marketing_spend: [{ amount: 5, period_start: ago(9), period_end: [ago(1)] }],
    },
    { invalid_dates: 5 },
  ],
  [
    'a list as the date of a row of the log',
    { subscription_events: [log('x', { mrr: 9, effective_at: [ago(20)] })] },
    { invalid_dates: 1 },
  ],
  ['a number as plan', { subscription_events: [log('x', { mrr: 9, plan: 5 })] }, { unknown_plans: 1 }],
  ['a list of plans', { subscription_events: [log('x', { mrr: 9, plan: ['free'] })] }, { unknown_plans: 1 }],
  ['a second configuration', { kpi_config: [{ _id: 'other', reporting_currency: 'EUR' }] }, { invalid_config: 1 }],
]

describe('a bad row is counted, and changes no number', () => {
  it.each(cases)('%s', async (_name, rows, counters) => {
    await loadRawData(kpis.db, sound)
    const clean = Object(await kpis.app.call('computeKpiSnapshot', new Date(asOf), { dry_run: true }))
    for (const [name, documents] of Object.entries(rows)) await kpis.db.collection(name).insertMany(documents)
    const dry = Object(await kpis.app.call('computeKpiSnapshot', new Date(asOf), { dry_run: true }))
    expect(dry.metrics).toEqual(clean.metrics)
    expect(dry.data_quality).toEqual({ ...clean.data_quality, ...counters })
    const stored = Object(await kpis.app.call('computeKpiSnapshot', new Date(asOf)))
    expect(stored.metrics).toEqual(clean.metrics)
    expect(stored.data_quality).toEqual(dry.data_quality)
  })

  it('an end that has passed on an active subscription ends it', async () => {
    await loadRawData(kpis.db, sound)
    const expired = log('x', { mrr: 9, effective_at: ago(99), end_date: ago(80) })
    await kpis.db.collection<Document & { _id: unknown }>('subscription_events').insertOne(expired)
    const expected = { metrics: { mrr: 100, active_subscriptions: 1 }, data_quality: { expired_but_active: 1 } }
    expect(await kpis.app.call('computeKpiSnapshot', new Date(asOf), { dry_run: true })).toMatchObject(expected)
    expect(await kpis.app.call('computeKpiSnapshot', new Date(asOf))).toMatchObject(expected)
  })

  it('ids of no user count as people, and are told apart', async () => {
    await loadRawData(kpis.db, sound)
    await kpis.db.collection('analytics_events').insertOne({ event_type: 'login', user_id: 'ghost', timestamp: ago(1) })
    await kpis.db
      .collection<Document & { _id: unknown }>('subscription_events')
      .insertMany([log('x', { mrr: 9, user_id: 'ghost' }), log('y', { mrr: 1, user_id: null })])
    const expected = {
      metrics: { dau: 2, total_users: 1, mrr: 110, paying_customers: 3 },
      data_quality: { unknown_users: 1, unknown_customers: 2 },
    }
    expect(await kpis.app.call('computeKpiSnapshot', new Date(asOf), { dry_run: true })).toMatchObject(expected)
    expect(await kpis.app.call('computeKpiSnapshot', new Date(asOf))).toMatchObject(expected)
  })

  it('a date that is none is read as absent, and counted', async () => {
    await loadRawData(kpis.db, sound)
    await kpis.db
      .collection<Document & { _id: unknown }>('subscription_events')
      .insertOne(log('x', { mrr: 9, end_date: '2024-02-20' }))
    await kpis.db.collection('users').insertOne({ created_at: ago(9), deleted_at: '2024-02-25' })
    await kpis.db.collection('subscriptions').insertOne({
      user_id: 'u',
      status: 'active',
      plan: 'pro',
      mrr: 1,
      start_date: 'February',
      created_at: ago(9),
    })
    const expected = { metrics: { mrr: 110, total_users: 2 }, data_quality: { invalid_dates: 3 } }
    expect(await kpis.app.call('computeKpiSnapshot', new Date(asOf), { dry_run: true })).toMatchObject(expected)
    expect(await kpis.app.call('computeKpiSnapshot', new Date(asOf))).toMatchObject(expected)
  })

  it('a list of dates ends no registration', async () => {
    await loadRawData(kpis.db, sound)
    await kpis.db.collection('users').insertMany([
      { created_at: ago(9), deleted_at: [ago(5)] },
      { created_at: [ago(9)], deleted_at: [ago(5)] },
      { created_at: ago(9), deleted_at: ago(5) },
    ])
    const expected = { metrics: { total_users: 2 }, data_quality: { invalid_dates: 2 } }
    expect(await kpis.app.call('computeKpiSnapshot', new Date(asOf), { dry_run: true })).toMatchObject(expected)
    expect(await kpis.app.call('computeKpiSnapshot', new Date(asOf))).toMatchObject(expected)
    await kpis.app.call('backfillKpiSnapshots', new Date(asOf - 7 * day), new Date(asOf))
    const totals = await kpis.db.collection('kpi_snapshots').find().sort({ snapshot_date: 1 }).toArray()
    expect(totals.map(({ metrics }) => metrics.total_users)).toEqual([3, 3, 3, 2, 2, 2, 2, 2])
  })

  it('a price without a plan counts, and is told', async () => {
    await loadRawData(kpis.db, sound)
    await kpis.db
      .collection<Document & { _id: unknown }>('subscription_events')
      .insertMany([log('x', { mrr: 9, plan: undefined }), log('y', { mrr: 1, plan: '' })])
    const expected = { metrics: { mrr: 110, active_subscriptions: 3 }, data_quality: { unknown_plans: 2 } }
    expect(await kpis.app.call('computeKpiSnapshot', new Date(asOf), { dry_run: true })).toMatchObject(expected)
    expect(await kpis.app.call('computeKpiSnapshot', new Date(asOf))).toMatchObject(expected)
  })

  it('only true makes a test account: other values count, and are told', async () => {
    await loadRawData(kpis.db, sound)
    await kpis.db
      .collection('users')
      .insertMany(['true', 1, [true], ['yes'], true, false, null].map((is_test) => ({ is_test, created_at: ago(9) })))
    const expected = { metrics: { total_users: 7 }, data_quality: { invalid_test_flags: 4 } }
    expect(await kpis.app.call('computeKpiSnapshot', new Date(asOf), { dry_run: true })).toMatchObject(expected)
    expect(await kpis.app.call('computeKpiSnapshot', new Date(asOf))).toMatchObject(expected)
  })

  it('answers of no user count, and are told', async () => {
    await loadRawData(kpis.db, sound)
    await kpis.db.collection('nps_responses').insertOne({ user_id: 'ghost', score: 0, responded_at: ago(2) })
    const expected = { metrics: { nps: 0, nps_respondents: 2 }, data_quality: { unknown_respondents: 1 } }
    expect(await kpis.app.call('computeKpiSnapshot', new Date(asOf), { dry_run: true })).toMatchObject(expected)
    expect(await kpis.app.call('computeKpiSnapshot', new Date(asOf))).toMatchObject(expected)
  })

  it('a provider event that arrives twice counts once', async () => {
    await loadRawData(kpis.db, sound)
    const row = log('x', { mrr: 9, provider_event_id: 'evt_1', recorded_at: ago(20) })
    await kpis.db
      .collection<Document & { _id: unknown }>('subscription_events')
      .insertMany([row, { ...row, _id: 'again', effective_at: ago(10), mrr: 900, recorded_at: ago(10) }])
    const dry = Object(await kpis.app.call('computeKpiSnapshot', new Date(asOf), { dry_run: true }))
    expect(dry).toMatchObject({ metrics: { mrr: 109 }, data_quality: { duplicate_provider_events: 1 } })
  })

  it('a provider event that names two subscriptions counts for the first, whichever is read first', async () => {
    await loadRawData(kpis.db, sound)
    const events = kpis.db.collection<Document & { _id: unknown }>('subscription_events')
    const first = log('x', { mrr: 9, provider_event_id: 'evt_1', recorded_at: ago(20) })
    const second = log('y', { mrr: 900, provider_event_id: 'evt_1', recorded_at: new Date(), user_id: 'v' })
    const expected = { metrics: { mrr: 109 }, data_quality: { duplicate_provider_events: 1 } }
    await events.insertOne(first)
    expect(await kpis.app.call('computeKpiSnapshot', new Date(asOf))).toMatchObject({ metrics: { mrr: 109 } })
    await events.insertOne(second)
    expect(await kpis.app.call('computeKpiSnapshot', new Date(asOf))).toMatchObject(expected)
    await loadRawData(kpis.db, { ...sound, subscription_events: [second, ...sound.subscription_events, first] })
    expect(await kpis.app.call('computeKpiSnapshot', new Date(asOf), { dry_run: true })).toMatchObject(expected)
    expect(await kpis.app.call('computeKpiSnapshot', new Date(asOf))).toMatchObject(expected)
  })

  it('a subscription without log is assumed to have always been as it is', async () => {
    await loadRawData(kpis.db, { ...sound, subscription_events: [] })
    await kpis.db.collection<Document & { _id: unknown }>('subscriptions').insertOne({
      _id: 's',
      user_id: 'u',
      status: 'active',
      plan: 'pro',
      billing_cycle: 'yearly',
      amount: 1200,
      mrr: 7,
      start_date: ago(40),
    })
    const dry = Object(await kpis.app.call('computeKpiSnapshot', new Date(asOf), { dry_run: true }))
    expect(dry).toMatchObject({
      metrics: { mrr: 100, opening_mrr: 100 },
      data_quality: { history: 'assumed', assumed_subscriptions: 1 },
    })
    expect(await kpis.app.call('importSubscriptionHistory')).toEqual({ imported: 1, skipped: 0, already_logged: 0 })
    expect(await kpis.app.call('importSubscriptionHistory')).toEqual({ imported: 0, skipped: 0, already_logged: 1 })
    const imported = Object(await kpis.app.call('computeKpiSnapshot', new Date(asOf), { dry_run: true }))
    expect(imported.metrics).toEqual(dry.metrics)
    expect(imported.data_quality).toEqual(dry.data_quality)
  })

  it('values of the configuration out of range are counted and replaced by the default', async () => {
    await loadRawData(kpis.db, { ...sound, kpi_config: [{ _id: 'default', gross_margin: 7, nps_window_days: -1 }] })
    const dry = Object(await kpis.app.call('computeKpiSnapshot', new Date(asOf), { dry_run: true }))
    expect(dry).toMatchObject({ metrics: { nps: 100, mrr: 100 }, data_quality: { invalid_config: 2 } })
  })
})

describe('raw events past their retention', () => {
  it('are marked to expire once their day is rolled up and final, and only when that is asked for', async () => {
    const old = { _id: 2, event_type: 'login', user_id: 'u', timestamp: new Date(Date.now() - 200 * day) }
    const recent = { _id: 3, event_type: 'login', user_id: 'u', timestamp: new Date(Date.now() - 90 * day) }
    await loadRawData(kpis.db, { ...sound, analytics_events: [old, recent] })
    const rolled = new Date(Math.floor(old.timestamp.getTime() / day + 1) * day)
    await kpis.app.call('computeKpiSnapshot', rolled, { tables: false })
    await kpis.app.call('nightlyKpiSnapshot')
    expect(await kpis.db.collection('analytics_events').countDocuments({ expire_at: { $ne: null } })).toBe(0)
    await kpis.db
      .collection<{ _id: string }>('kpi_config')
      .updateOne({ _id: 'default' }, { $set: { events_retention_days: 100 } })
    await kpis.app.call('nightlyKpiSnapshot')
    const marked = await kpis.db
      .collection('analytics_events')
      .find({ expire_at: { $ne: null } })
      .toArray()
    expect(marked.map(({ _id }) => Number(_id))).toEqual([2])
  })
})

describe('computeKpiSnapshot', () => {
  it.each([
    [[], 'as_of is required: YYYY-MM-DD, or YYYY-MM-DDThh:mm:ssZ'],
    [['soon'], 'as_of must be a date: YYYY-MM-DD, or YYYY-MM-DDThh:mm:ssZ'],
    [[20240120], 'as_of must be a date: YYYY-MM-DD, or YYYY-MM-DDThh:mm:ssZ'],
    [['2024-01-20', { window_from: '2024-01-20' }], 'window_from must be before as_of'],
    [['2024-01-20', { window_from: 'x' }], 'window_from must be a date: YYYY-MM-DD, or YYYY-MM-DDThh:mm:ssZ'],
    [['2024-01-20', { dry_run: 'yes' }], 'dry_run must be true or false'],
    [['2024-01-20', []], 'options must be an object'],
  ])('refuses %j: %s', async (args, message) => {
    await expect(kpis.app.call('computeKpiSnapshot', ...args)).rejects.toThrow(message)
  })

  it('marks what is no midnight as partial and stores nothing', async () => {
    await loadRawData(kpis.db, sound)
    expect(await kpis.app.call('computeKpiSnapshot', new Date(asOf + 1))).toMatchObject({ partial: true })
    expect(await kpis.db.collection('kpi_snapshots').countDocuments()).toBe(0)
  })

  it('counts the next revision only when a number changes', async () => {
    await loadRawData(kpis.db, sound)
    const snapshot = () => kpis.db.collection('kpi_snapshots').findOne({ snapshot_date: new Date(asOf) })
    await kpis.app.call('computeKpiSnapshot', new Date(asOf))
    const first = await snapshot()
    expect(first).toMatchObject({ revision: 1, final: true, day: new Date(asOf - day), metrics: { mrr: 100 } })
    await kpis.app.call('computeKpiSnapshot', new Date(asOf))
    expect(await snapshot()).toEqual(first)
    await kpis.db.collection<Document & { _id: unknown }>('subscription_events').insertOne(log('y', { mrr: 11 }))
    await kpis.app.call('computeKpiSnapshot', new Date(asOf))
    expect(await snapshot()).toMatchObject({ revision: 2, created_at: first?.created_at, metrics: { mrr: 111 } })
  })

  it('answers the live numbers, partial and as of now', async () => {
    await loadRawData(kpis.db, sound)
    const before = Date.now()
    const current = Object(await kpis.app.call('getCurrentMetrics'))
    expect(current).toMatchObject({
      total_users: 1,
      mau: 0,
      dau: 0,
      active_subscriptions: 1,
      mrr: 100,
      arr: 1200,
      partial: true,
    })
    expect(current.as_of.getTime()).toBeGreaterThanOrEqual(before)
  })
})
