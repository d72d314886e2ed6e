import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { clear, clearDerived, loadRawData, storedMetrics } from '../support/kpi/database.ts'
import type { RawData } from '../support/kpi/naive-kpis.ts'
import { centre, randomData } from '../support/kpi/random-data.ts'
import { setUpClock, setUpKpis } from '../support/kpi/set-up.ts'

const kpis = setUpKpis('kpi_jobs_test')
const setClock = setUpClock()
const day = 86_400_000
const runs = Number(process.env.KPI_RUNS ?? 2)
/** Snapshots of each comparison. */
const span = 5
const from = centre - (span - 1) * day

beforeAll(async () => {
  await kpis.db.collection('kpi_snapshots').createIndex({ snapshot_date: -1 }, { unique: true })
})

const minute = 60_000
const backfill = () => kpis.app.call('backfillKpiSnapshots', new Date(from), new Date(centre))

async function derivedState(): Promise<unknown[]> {
  const collections = ['user_activity_daily', 'subscription_segments', 'customer_mrr_segments']
  const state: unknown[] = []
  for (const name of collections) {
    const documents = await kpis.db
      .collection(name)
      .find({}, { projection: { run: 0 } })
      .toArray()
    state.push(documents.map((document) => JSON.stringify(document)).sort())
  }
  state.push(
    await kpis.db
      .collection('kpi_snapshots')
      .find({}, { projection: { _id: 0, computed_at: 0, created_at: 0, inputs: 0 }, sort: { snapshot_date: 1 } })
      .toArray(),
  )
  return state
}

/** Rows whose arrival is stamped with the instant at which they happened: nothing is late. */
function onTime(data: RawData): RawData {
  return {
    ...data,
    analytics_events: data.analytics_events.map((event) => ({ ...event, received_at: event.timestamp })),
    subscription_events: data.subscription_events.map((row) => ({ ...row, recorded_at: row.effective_at })),
  }
}

async function payingCustomers(): Promise<unknown[]> {
  const snapshots = await kpis.db
    .collection('kpi_snapshots')
    .find({}, { sort: { snapshot_date: 1 } })
    .toArray()
  return snapshots.map(({ metrics }) => metrics.paying_customers)
}

describe('a backfill', () => {
  it('stores what computing each day by itself stores', async () => {
    await fc.assert(
      fc.asyncProperty(randomData(), async (data) => {
        await loadRawData(kpis.db, data)
        await backfill()
        const filled = await storedMetrics(kpis.db)
        await clearDerived(kpis.db)
        for (let date = from; date <= centre; date += day)
          await kpis.app.call('computeKpiSnapshot', new Date(date), { tables: false })
        expect(filled).toHaveLength(span)
        expect(filled).toEqual(await storedMetrics(kpis.db))
      }),
      { numRuns: runs },
    )
  })

  it('changes nothing when it runs twice, or in two places at once', async () => {
    await fc.assert(
      fc.asyncProperty(randomData(), async (data) => {
        await loadRawData(kpis.db, data)
        await backfill()
        const once = await derivedState()
        await backfill()
        expect(await derivedState()).toEqual(once)
        await clearDerived(kpis.db)
        await Promise.all([backfill(), backfill()])
        expect(await derivedState()).toEqual(once)
      }),
      { numRuns: runs },
    )
  })

  it('does not depend on the order in which rows were inserted', async () => {
    await fc.assert(
      fc.asyncProperty(randomData(), fc.integer(), async (data, seed) => {
        await loadRawData(kpis.db, data)
        await backfill()
        const before = await storedMetrics(kpis.db)
        const shuffled = Object.fromEntries(
          Object.entries(data).map(([name, rows]) => [
            name,
            rows
              .map((row: object, index: number) => ({ row, rank: Math.sin(seed + index * 7919) }))
              .sort((a: { rank: number }, b: { rank: number }) => a.rank - b.rank)
              .map(({ row }: { row: object }) => row),
          ]),
        )
        await loadRawData(kpis.db, shuffled as unknown as RawData)
        await backfill()
        expect(await storedMetrics(kpis.db)).toEqual(before)
      }),
      { numRuns: runs },
    )
  })

  it('goes on where a stopped one ended', async () => {
    const [data] = fc.sample(randomData(), { numRuns: 1, seed: 7 })
    await loadRawData(kpis.db, data!)
    const first = Object(await kpis.app.call('backfillKpiSnapshots', new Date(from), new Date(centre), { limit: 2 }))
    expect(first).toMatchObject({ computed: 2, written: 2, next: new Date(from + 2 * day) })
    const rest = await kpis.app.call('backfillKpiSnapshots', first.next, new Date(centre), { started: first.started })
    expect(rest).toMatchObject({ computed: 3, written: 3, next: null })
    expect(await kpis.app.call('verifyKpiSnapshots', new Date(from), new Date(centre))).toEqual({
      checked: span,
      differing: [],
      differing_rows: [],
      missing: [],
      next: null,
    })
  })

  it('names what is wrong with its arguments', async () => {
    for (const [args, message] of [
      [[], 'from is required: YYYY-MM-DD, or YYYY-MM-DDThh:mm:ssZ'],
      [['2024-02-30', '2024-03-01'], 'from must be a date: YYYY-MM-DD, or YYYY-MM-DDThh:mm:ssZ'],
      [['2024-03-01T01:00:00Z', '2024-03-02'], 'from must be a midnight UTC: YYYY-MM-DD'],
      [['2024-03-02', '2024-03-01'], 'to must not be before from'],
      [['2024-03-01', '2024-03-02', 'all'], 'options must be an object'],
    ] as const)
      await expect(kpis.app.call('backfillKpiSnapshots', ...args)).rejects.toThrow(message)
  })
})

describe('the nightly run', () => {
  it('comes, with late arrivals, to the state of a backfill that had everything on time', async () => {
    await fc.assert(
      fc.asyncProperty(randomData(), fc.integer(), async (random, seed) => {
        const data = onTime(random)
        const isLate = (index: number): boolean => Math.sin(seed + index * 104_729) > 0.3
        setClock(centre - 2 * day + 5 * minute)
        const arrived = (row: Record<string, unknown>, stamp: string): boolean => {
          const instant = row[stamp]
          return instant instanceof Date && instant.getTime() < centre - 2 * day
        }
        await loadRawData(kpis.db, {
          ...data,
          analytics_events: data.analytics_events.filter((row, index) => arrived(row, 'received_at') && !isLate(index)),
          subscription_events: data.subscription_events.filter(
            (row, index) => arrived(row, 'recorded_at') && !isLate(index),
          ),
        })
        await kpis.app.call('backfillKpiSnapshots', new Date(from), new Date(centre - 2 * day))
        const received = new Date(centre - day - 3_600_000)
        setClock(received.getTime())
        for (const [name, stamp] of [
          ['analytics_events', 'received_at'],
          ['subscription_events', 'recorded_at'],
        ] as const) {
          const late = data[name].filter((row, index) => !(arrived(row, stamp) && !isLate(index)))
          const due = late.filter((row) => !(row[stamp] instanceof Date) || (row[stamp] as Date) < new Date(centre))
          if (due.length > 0)
            await kpis.db.collection(name).insertMany(
              due.map((row) => ({
                ...row,
                [stamp]: row[stamp] instanceof Date && (row[stamp] as Date) > received ? row[stamp] : received,
              })),
            )
        }
        setClock(centre - day + 5 * minute)
        await kpis.app.call('nightlyKpiSnapshot')
        setClock(centre + 5 * minute)
        await Promise.all([kpis.app.call('nightlyKpiSnapshot'), kpis.app.call('nightlyKpiSnapshot')])
        const repaired = await storedMetrics(kpis.db)
        await clearDerived(kpis.db)
        await backfill()
        expect(repaired).toEqual(await storedMetrics(kpis.db))
      }),
      { numRuns: runs },
    )
  })

  it('repairs the days before the first late row of a subscription that was read from its document until then', async () => {
    await loadRawData(kpis.db, {
      subscriptions: [
        {
          _id: 's',
          user_id: 'u',
          status: 'active',
          plan: 'pro',
          billing_cycle: 'monthly',
          mrr: 49,
          start_date: new Date(centre - 20 * day),
          updated_at: new Date(centre - 20 * day),
        },
      ],
    })
    setClock(centre - 3 * day + 5 * minute)
    await kpis.app.call('backfillKpiSnapshots', new Date(from), new Date(centre - 3 * day))
    expect(await payingCustomers()).toEqual([1, 1])
    await kpis.db.collection('subscription_events').insertOne({
      subscription_id: 's',
      user_id: 'u',
      effective_at: new Date(centre - day / 2),
      recorded_at: new Date(centre - day / 2),
      status: 'active',
      plan: 'pro',
      billing_cycle: 'monthly',
      mrr: 49,
    })
    setClock(centre + 5 * minute)
    await kpis.app.call('nightlyKpiSnapshot')
    expect(await payingCustomers()).toEqual([0, 0, 0, 0, 1])
    expect(await kpis.app.call('verifyKpiSnapshots', new Date(from), new Date(centre))).toMatchObject({ differing: [] })
  })

  it('repairs what a late row changes although another function read the row first', async () => {
    await clear(kpis.db)
    setClock(centre - 3 * day + 5 * minute)
    await kpis.app.call('backfillKpiSnapshots', new Date(from), new Date(centre - 3 * day))
    await kpis.db.collection('subscription_events').insertOne({
      subscription_id: 's',
      user_id: 'u',
      effective_at: new Date(centre - 10 * day),
      recorded_at: new Date(centre - day / 2),
      status: 'active',
      plan: 'pro',
      billing_cycle: 'monthly',
      mrr: 49,
    })
    setClock(centre - day / 2 + minute)
    await kpis.app.call('computeKpiMovements', new Date(from), new Date(centre - day))
    setClock(centre + 5 * minute)
    await kpis.app.call('nightlyKpiSnapshot')
    expect(await payingCustomers()).toEqual([1, 1, 1, 1, 1])
  })

  it('fills every missing day up to today and leaves equal snapshots alone', async () => {
    const [data] = fc.sample(randomData(), { numRuns: 1, seed: 11 })
    await loadRawData(kpis.db, data!)
    setClock(centre - 4 * day + 5 * minute)
    expect(await kpis.app.call('nightlyKpiSnapshot')).toMatchObject({ written: [new Date(centre - 4 * day)] })
    setClock(centre + 5 * minute)
    expect(await kpis.app.call('nightlyKpiSnapshot')).toMatchObject({
      written: [3, 2, 1, 0].map((back) => new Date(centre - back * day)),
    })
    setClock(centre + 60 * minute)
    expect(await kpis.app.call('nightlyKpiSnapshot')).toEqual({
      computed: 2,
      written: [],
      late_days: [],
      differing_finals: [],
    })
    expect(await kpis.db.collection('kpi_snapshots').distinct('revision')).toEqual([1])
  })

  it('reports a final snapshot that late data would change, and a backfill changes it', async () => {
    const user = 'u1'
    const event = { event_type: 'login', user_id: user, timestamp: new Date(centre - 40 * day + 1) }
    setClock(centre - 39 * day + 5 * minute)
    await loadRawData(kpis.db, { users: [{ _id: user, created_at: new Date(centre - 50 * day) }] })
    await kpis.app.call('nightlyKpiSnapshot')
    setClock(centre + 5 * minute)
    await kpis.app.call('nightlyKpiSnapshot')
    await kpis.db.collection('analytics_events').insertOne({ ...event, received_at: new Date(centre + day) })
    setClock(centre + day + 5 * minute)
    const night = Object(await kpis.app.call('nightlyKpiSnapshot'))
    expect(night).toMatchObject({ late_days: [new Date(centre - 40 * day)] })
    expect(night.differing_finals).toContainEqual(new Date(centre - 39 * day))
    const final = { snapshot_date: new Date(centre - 39 * day) }
    expect(await kpis.db.collection('kpi_snapshots').findOne(final)).toMatchObject({ metrics: { dau: 0 }, revision: 1 })
    await kpis.app.call('backfillKpiSnapshots', new Date(centre - 39 * day), new Date(centre - 39 * day))
    expect(await kpis.db.collection('kpi_snapshots').findOne(final)).toMatchObject({
      metrics: { dau: 1 },
      revision: 2,
      final: true,
    })
  })
})

describe('verify', () => {
  it('finds a snapshot that was changed by hand, and explain shows both numbers', async () => {
    await loadRawData(kpis.db, {
      users: [{ _id: 1, created_at: new Date(centre - 50 * day) }],
      subscription_events: [
        {
          subscription_id: 's',
          user_id: 1,
          effective_at: new Date(centre - 9 * day),
          status: 'active',
          plan: 'pro',
          mrr: 49,
        },
      ],
    })
    await backfill()
    const clean = { checked: span, differing: [], differing_rows: [], missing: [], next: null }
    expect(await kpis.app.call('verifyKpiSnapshots', new Date(from), new Date(centre))).toEqual(clean)
    await kpis.db
      .collection('kpi_snapshots')
      .updateOne({ snapshot_date: new Date(centre) }, { $set: { 'metrics.mrr': 4900 } })
    expect(await kpis.app.call('verifyKpiSnapshots', new Date(from), new Date(centre))).toEqual({
      ...clean,
      differing: [
        {
          snapshot_date: new Date(centre),
          final: true,
          metrics: [{ name: 'mrr', stored: 4900, computed: 49 }],
        },
      ],
    })
    expect(await kpis.app.call('explainKpi', 'mrr', new Date(centre))).toMatchObject({
      value: 49,
      stored: 4900,
      row_count: 1,
      rows: [{ subscription_id: 's', user_id: 1, status: 'active', mrr: 49, until: null }],
    })
  })
})
