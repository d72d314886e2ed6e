import fc from 'fast-check'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { clear, clearDerived, loadRawData, storedMetrics } from '../support/kpi/database.ts'
import type { RawDoc } from '../support/kpi/naive-kpis.ts'
import { centre, randomData } from '../support/kpi/random-data.ts'
import { setUpClock, setUpKpis } from '../support/kpi/set-up.ts'
import { neverStops, type Stop, stoppingClient } from '../support/kpi/stopping-client.ts'
import { createKpiApp } from '../support/kpi-app.ts'

const database = 'kpi_repairs_test'
const kpis = setUpKpis(database)
const setClock = setUpClock()
const day = 86_400_000
const hour = 3_600_000
const minute = 60_000
/** A tenth of the runs of the other properties: each is a dozen nights. */
const runs = Math.ceil(Number(process.env.KPI_RUNS ?? 30) / 10)
/** Writes between two stops: all of them only where there is time. */
const stride = runs > 20 ? 1 : 4

beforeAll(async () => {
  await kpis.db.collection('kpi_snapshots').createIndex({ snapshot_date: -1 }, { unique: true })
})

const tick = (): void => {
  vi.setSystemTime(Date.now() + 1)
}

/** Runs a function as a process of its own, which ends where `stop` says. */
function runAlone(stop: Stop, name: string, ...args: unknown[]): Promise<unknown> {
  return createKpiApp(stoppingClient(kpis.client, stop, tick), database).call(name, ...args)
}

const night = async () => Object(await kpis.app.call('nightlyKpiSnapshot'))
const at = (days: number): Date => new Date(centre + days * day)
const login = (user_id: string, timestamp: Date, received_at: Date) => ({
  event_type: 'login',
  user_id,
  timestamp,
  received_at,
})

async function storedMau(): Promise<number[]> {
  const snapshots = await kpis.db
    .collection('kpi_snapshots')
    .find({}, { sort: { snapshot_date: 1 } })
    .toArray()
  return snapshots.map(({ metrics }) => Number(metrics.mau))
}

/** Snapshots of the last four days, then an event that arrives half a day before the next night, for a day before them. */
async function withLateEvent(): Promise<void> {
  await clear(kpis.db)
  setClock(centre - day + 5 * minute)
  await kpis.app.call('backfillKpiSnapshots', at(-4), at(-1))
  await night()
  expect(await storedMau()).toEqual([0, 0, 0, 0])
  await kpis.db.collection('analytics_events').insertOne(login('u', at(-9.5), at(-0.5)))
}

describe('a night repairs what a late event changes', () => {
  it('although another function rolled its day up first', async () => {
    await withLateEvent()
    setClock(centre - hour)
    await kpis.app.call('computeKpiSnapshot', at(-1), { tables: false })
    expect(await storedMau()).toEqual([0, 0, 0, 1])
    setClock(centre + 5 * minute)
    await night()
    expect(await storedMau()).toEqual([1, 1, 1, 1, 1])
    expect(await kpis.db.collection('kpi_repairs').countDocuments()).toBe(0)
  })

  it('although a night before stopped at one of its writes', async () => {
    for (let write = 1; ; write += stride) {
      await withLateEvent()
      setClock(centre + 5 * minute)
      const stop: Stop = { writes: 0, at: write, applied: (write / stride) % 2 < 1 }
      const stopped = await runAlone(stop, 'nightlyKpiSnapshot').then(
        () => false,
        () => true,
      )
      setClock(centre + hour)
      await night()
      expect(await storedMau(), `stopped at write ${write}`).toEqual([1, 1, 1, 1, 1])
      expect(await kpis.db.collection('kpi_repairs').countDocuments()).toBe(0)
      if (!stopped) break
      expect(write).toBeLessThan(40)
    }
  }, 300_000)

  it('on as many scattered days as there are, within the operations of one function', async () => {
    await clear(kpis.db)
    setClock(centre - day + 5 * minute)
    await kpis.app.call('backfillKpiSnapshots', at(-100), at(-1))
    await night()
    const late = Array.from({ length: 50 }, (_, index) => login('u', at(-2 * index - 1.5), at(-0.5)))
    await kpis.db.collection('analytics_events').insertMany(late)
    setClock(centre + 5 * minute)
    const { late_days, differing_finals } = await night()
    expect([late_days.length, differing_finals.length]).toEqual([50, 100 - 35])
    expect(await kpis.db.collection('kpi_repairs').countDocuments()).toBe(0)
    expect(await storedMau()).toEqual([...Array(100 - 34).fill(0), ...Array(35).fill(1)])
  })

  it('that arrived before the first night, after a backfill', async () => {
    await clear(kpis.db)
    setClock(centre - 9 * day + 5 * minute)
    await kpis.app.call('backfillKpiSnapshots', at(-12), at(-9))
    await kpis.db.collection('analytics_events').insertOne(login('u', at(-13.5), at(-8)))
    setClock(centre + 5 * minute)
    await night()
    expect(await storedMau()).toEqual(Array(13).fill(1))
  })
})

const subscriptionRow = (effective_at: Date, recorded_at: Date) => ({
  subscription_id: 's',
  user_id: 'u',
  effective_at,
  recorded_at,
  status: 'active',
  plan: 'pro',
  billing_cycle: 'monthly',
  mrr: 49,
})

describe('final snapshots', () => {
  it('that a late row of the log would change are named and counted, and rewritten by a backfill alone', async () => {
    await clear(kpis.db)
    setClock(centre - day + 5 * minute)
    await kpis.app.call('backfillKpiSnapshots', at(-60), at(-1))
    await night()
    await kpis.db.collection('subscription_events').insertOne(subscriptionRow(at(-38.5), at(-0.5)))
    setClock(centre + 5 * minute)
    const finals = [at(-38), at(-37), at(-36), at(-35)]
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    expect((await night()).differing_finals).toEqual(finals)
    expect(warn.mock.lastCall).toEqual([
      '4 final snapshots are not what late rows make of them; a backfill rewrites them: ' +
        `${at(-38).toISOString().slice(0, 10)}..${at(-35).toISOString().slice(0, 10)}`,
    ])
    warn.mockRestore()
    const isTold = { 'data_quality.late_changes': { $gt: 0 } }
    const told = await kpis.db.collection('kpi_snapshots').find(isTold).sort({ snapshot_date: 1 }).toArray()
    expect(told.map(({ snapshot_date }) => snapshot_date)).toEqual(finals)
    expect(told.map(({ revision, final, metrics }) => [revision, final, metrics.mrr])).toEqual(
      finals.map(() => [1, true, 0]),
    )
    expect(await kpis.db.collection('kpi_snapshots').distinct('metrics.mrr', { final: false })).toEqual([49])
    const verified = Object(await kpis.app.call('verifyKpiSnapshots', at(-60), at(0)))
    expect(verified.differing.map((snapshot: { snapshot_date: Date }) => snapshot.snapshot_date)).toEqual(finals)
    expect(verified.differing.map((snapshot: { final: boolean }) => snapshot.final)).toEqual(finals.map(() => true))

    setClock(centre + hour)
    expect(await night()).toMatchObject({ differing_finals: [], written: [] })
    await kpis.app.call('backfillKpiSnapshots', at(-60), at(0))
    expect(await kpis.app.call('verifyKpiSnapshots', at(-60), at(0))).toMatchObject({ differing: [], missing: [] })
    expect(await kpis.db.collection('kpi_snapshots').countDocuments(isTold)).toBe(0)
    expect(await kpis.db.collection('kpi_snapshots').distinct('revision', { final: true })).toEqual([1, 2])
  })

  it.skipIf(stride > 1)('are looked at over several nights when they are many', async () => {
    await clear(kpis.db)
    setClock(centre - day + 5 * minute)
    await kpis.app.call('backfillKpiSnapshots', at(-1_200), at(-1))
    await night()
    await kpis.db.collection('subscription_events').insertOne(subscriptionRow(at(-1_190.5), at(-0.5)))
    setClock(centre + 5 * minute)
    const first = (await night()).differing_finals
    setClock(centre + hour)
    const second = (await night()).differing_finals
    expect([...first, ...second]).toEqual(Array.from({ length: 1_190 - 34 }, (_, index) => at(index - 1_190)))
    expect(second.length).toBeGreaterThan(0)
    expect(await kpis.db.collection('kpi_repairs').countDocuments()).toBe(0)
  })
})

describe('segments', () => {
  it('go with the rows of the log that they were made of, all of them', async () => {
    const rows = Array.from({ length: 6 }, (_, index) => ({
      ...subscriptionRow(at(-20 + index), at(-20 + index)),
      _id: index,
      subscription_id: index % 4,
      user_id: index % 3,
    }))
    await loadRawData(kpis.db, { subscription_events: rows })
    setClock(centre + 5 * minute)
    await kpis.app.call('backfillKpiSnapshots', at(-1), at(0))
    await kpis.db.collection('subscription_events').deleteMany({})
    await kpis.app.call('backfillKpiSnapshots', at(-1), at(0))
    expect(await kpis.db.collection('subscription_segments').find().toArray()).toEqual([])
    expect(await kpis.db.collection('customer_mrr_segments').find().toArray()).toEqual([])
  })
})

describe('a night after an outage', () => {
  it('of more than a year fills every day, and marks what has become final', async () => {
    await clear(kpis.db)
    setClock(centre - 500 * day + 5 * minute)
    await kpis.app.call('backfillKpiSnapshots', at(-502), at(-500))
    await night()
    setClock(centre + 5 * minute)
    await night()
    setClock(centre + hour)
    await night()
    const dates = (filter: object) => kpis.db.collection('kpi_snapshots').countDocuments(filter)
    expect(await dates({})).toBe(503)
    expect(await dates({ final: true })).toBe(503 - 35)
  })
})

describe('days whose raw events have expired', () => {
  const events = [login('u', at(-99.5), at(-99.5)), login('v', at(-99.5), at(-99.5)), login('u', at(-1.5), at(-1.5))]

  async function withExpiredDays(): Promise<void> {
    await loadRawData(kpis.db, { analytics_events: events, kpi_config: [{ events_retention_days: 70 }] })
    setClock(centre + 5 * minute)
    await kpis.app.call('backfillKpiSnapshots', at(-120), at(0))
    await night()
    expect(await kpis.db.collection('analytics_events').countDocuments({ expire_at: { $type: 'date' } })).toBe(2)
    await kpis.db.collection('analytics_events').deleteMany({ expire_at: { $type: 'date' } })
  }

  it('keep their people, whoever rolls them up again, and their snapshots stay verified', async () => {
    await withExpiredDays()
    const before = await storedMetrics(kpis.db)
    setClock(centre + hour)
    await kpis.app.call('backfillKpiSnapshots', at(-120), at(0))
    await night()
    expect(await storedMetrics(kpis.db)).toEqual(before)
    expect(await kpis.app.call('verifyKpiSnapshots', at(-120), at(0))).toMatchObject({ differing: [], missing: [] })
    expect(await kpis.app.call('computeKpiSnapshot', at(-98), { dry_run: true })).toMatchObject({
      metrics: { dau: 0, wau: 2, mau: 2, usage_retention: [{ size: 2, customers_pct: [] }] },
    })
    const stored = Object(await kpis.app.call('computeKpiSnapshot', at(0)))
    expect(stored.metrics.usage_retention).toEqual([{ cohort: '2023-11', size: 2, customers_pct: [100, 0, 0, 50] }])
  })

  it('are joined by late events, and by nobody twice', async () => {
    await withExpiredDays()
    await kpis.db
      .collection('analytics_events')
      .insertMany([login('w', at(-99.5), at(0.5)), login('u', at(-99.5), at(0.5))])
    setClock(centre + day + 5 * minute)
    expect((await night()).late_days).toEqual([at(-100)])
    const people = await kpis.db.collection('user_activity_daily').distinct('u', { d: at(-100) })
    expect(people.sort()).toEqual(['u', 'v', 'w'])
  })
})

describe('any arrival, in any order, with runs beside each other that stop anywhere', () => {
  interface Step {
    readonly job: 'nightlyKpiSnapshot' | 'backfillKpiSnapshots' | 'computeKpiSnapshot' | 'computeKpiMovements'
    readonly back: number
    readonly stopAt: number | null
    readonly applied: boolean
  }

  const job = fc.record<Step>({
    job: fc.constantFrom(
      'nightlyKpiSnapshot',
      'nightlyKpiSnapshot',
      'backfillKpiSnapshots',
      'computeKpiSnapshot',
      'computeKpiMovements',
    ),
    back: fc.integer({ min: 0, max: 5 }),
    stopAt: fc.option(fc.integer({ min: 1, max: 25 }), { nil: null }),
    applied: fc.boolean(),
  })
  /** What runs in each of the seven days: up to two jobs one after the other, each perhaps beside another. */
  const week = fc.array(fc.array(fc.tuple(job, fc.option(job, { nil: null })), { maxLength: 2 }), {
    minLength: 7,
    maxLength: 7,
  })

  function argumentsOf(step: Step, today: number): unknown[] {
    const date = new Date(today - step.back * day)
    if (step.job === 'backfillKpiSnapshots') return [date, new Date(today)]
    if (step.job === 'computeKpiSnapshot') return [date, { tables: false }]
    return step.job === 'computeKpiMovements' ? [new Date(date.getTime() - day), date] : []
  }

  async function run(step: Step | null, today: number): Promise<void> {
    if (step === null) return
    const stop = step.stopAt === null ? neverStops() : { writes: 0, at: step.stopAt, applied: step.applied }
    await runAlone(stop, step.job, ...argumentsOf(step, today)).catch((error) => {
      if (stop.writes < stop.at) throw error
    })
  }

  it('comes, with the next undisturbed night, to what had everything on time', async () => {
    await fc.assert(
      fc.asyncProperty(randomData({ history: 60 }), week, fc.integer(), async (random, days, seed) => {
        const start = centre - 7 * day
        /** Hours until the row is there: half of the rows at once, the others up to 20 days later. */
        const delay = (index: number): number => {
          const share = Math.abs(Math.sin(seed + index * 104_729))
          return share < 0.5 ? 0 : (share - 0.5) * 40 * 24 * hour
        }
        const arrivals: { name: 'analytics_events' | 'subscription_events'; row: RawDoc; at: number }[] = []
        for (const [name, happened, stamp] of [
          ['analytics_events', 'timestamp', 'received_at'],
          ['subscription_events', 'effective_at', 'recorded_at'],
        ] as const)
          for (const [index, row] of random[name].entries()) {
            const instant = row[happened] instanceof Date ? row[happened].getTime() : 0
            const arrives = Math.min(centre - 1, instant + delay(index))
            if (instant < centre) arrivals.push({ name, row: { ...row, [stamp]: new Date(arrives) }, at: arrives })
          }
        const arrive = async (from: number, to: number): Promise<void> => {
          for (const { name, row, at: arrives } of arrivals)
            if (from <= arrives && arrives < to) await kpis.db.collection(name).insertOne({ ...row })
        }
        await loadRawData(kpis.db, { ...random, analytics_events: [], subscription_events: [] })
        await arrive(Number.NEGATIVE_INFINITY, start)
        setClock(start + 5 * minute)
        await kpis.app.call('backfillKpiSnapshots', new Date(start - 2 * day), new Date(start))
        for (const [index, steps] of days.entries()) {
          const today = start + index * day
          for (const [turn, [one, other]] of steps.entries()) {
            const between = today + (turn + 1) * 7 * hour
            await arrive(turn === 0 ? today : between - 7 * hour, between)
            setClock(between)
            await Promise.all([run(one, today), run(other, today)])
          }
          await arrive(today + steps.length * 7 * hour, today + day)
        }
        setClock(centre + 5 * minute)
        await night()
        const repaired = await storedMetrics(kpis.db)
        expect(await kpis.db.collection('kpi_repairs').countDocuments()).toBe(0)
        await clearDerived(kpis.db)
        await kpis.app.call('backfillKpiSnapshots', new Date(start - 2 * day), new Date(centre))
        const onTime = await storedMetrics(kpis.db)
        expect(repaired.length).toBeGreaterThanOrEqual(10)
        expect(repaired.slice(-10)).toEqual(onTime)
      }),
      { numRuns: runs },
    )
  }, 1_200_000)
})
