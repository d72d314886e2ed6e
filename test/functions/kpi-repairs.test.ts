import fc from 'fast-check'
import { type Db, MongoClient } from 'mongodb'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { startTestDatabase, type TestDatabase } from '../support/database.ts'
import { clearDerived, loadRawData } from '../support/kpi/database.ts'
import type { RawData, RawDoc } from '../support/kpi/naive-kpis.ts'
import { centre, randomData } from '../support/kpi/random-data.ts'
import { neverStops, type Stop, stoppingClient } from '../support/kpi/stopping-client.ts'
import { createKpiApp, type KpiApp } from '../support/kpi-app.ts'

const database = 'kpi_repairs_test'
const day = 86_400_000
const hour = 3_600_000
const minute = 60_000
const runs = Number(process.env.KPI_RUNS ?? 3)
/** Writes between two stops: all of them only where there is time. */
const stride = runs > 20 ? 1 : 4

let server: TestDatabase
let client: MongoClient
let db: Db
let app: KpiApp

beforeAll(async () => {
  server = await startTestDatabase()
  client = new MongoClient(server.uri)
  db = client.db(database)
  app = createKpiApp(client, database)
  await db.collection('kpi_snapshots').createIndex({ snapshot_date: -1 }, { unique: true })
})

afterAll(async () => {
  await db.dropDatabase()
  await client.close()
  await server.close()
})

afterEach(() => {
  vi.useRealTimers()
})

function setClock(instant: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: instant })
}

const tick = (): void => {
  vi.setSystemTime(Date.now() + 1)
}

/** Runs a function as a process of its own, which ends where `stop` says. */
function runAlone(stop: Stop, name: string, ...args: unknown[]): Promise<unknown> {
  return createKpiApp(stoppingClient(client, stop, tick), database).call(name, ...args)
}

const night = async () => Object(await app.call('nightlyKpiSnapshot'))
const at = (days: number): Date => new Date(centre + days * day)
const login = (user_id: string, timestamp: Date, received_at: Date) => ({
  event_type: 'login',
  user_id,
  timestamp,
  received_at,
})

const empty: RawData = {
  users: [],
  subscriptions: [],
  subscription_events: [],
  analytics_events: [],
  marketing_spend: [],
  nps_responses: [],
  kpi_config: [],
}

async function storedMetrics(): Promise<unknown[]> {
  return db
    .collection('kpi_snapshots')
    .find({}, { projection: { _id: 0, snapshot_date: 1, metrics: 1 }, sort: { snapshot_date: 1 } })
    .toArray()
}

async function storedMau(): Promise<number[]> {
  const snapshots = await db
    .collection('kpi_snapshots')
    .find({}, { sort: { snapshot_date: 1 } })
    .toArray()
  return snapshots.map(({ metrics }) => Number(metrics.mau))
}

/** Snapshots of the last four days, then an event that arrives half a day before the next night, for a day before them. */
async function withLateEvent(): Promise<void> {
  await loadRawData(db, empty)
  setClock(centre - day + 5 * minute)
  await app.call('backfillKpiSnapshots', at(-4), at(-1))
  await night()
  expect(await storedMau()).toEqual([0, 0, 0, 0])
  await db.collection('analytics_events').insertOne(login('u', at(-9.5), at(-0.5)))
}

describe('a night repairs what a late event changes', () => {
  it('although another function rolled its day up first', async () => {
    await withLateEvent()
    setClock(centre - hour)
    await app.call('computeKpiSnapshot', at(-1), { tables: false })
    expect(await storedMau()).toEqual([0, 0, 0, 1])
    setClock(centre + 5 * minute)
    await night()
    expect(await storedMau()).toEqual([1, 1, 1, 1, 1])
    expect(await db.collection('kpi_repairs').countDocuments()).toBe(0)
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
      expect(await db.collection('kpi_repairs').countDocuments()).toBe(0)
      if (!stopped) break
      expect(write).toBeLessThan(40)
    }
  })

  it('that arrived before the first night, after a backfill', async () => {
    await loadRawData(db, empty)
    setClock(centre - 9 * day + 5 * minute)
    await app.call('backfillKpiSnapshots', at(-12), at(-9))
    await db.collection('analytics_events').insertOne(login('u', at(-13.5), at(-8)))
    setClock(centre + 5 * minute)
    await night()
    expect(await storedMau()).toEqual(Array(13).fill(1))
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
            if (from <= arrives && arrives < to) await db.collection(name).insertOne({ ...row })
        }
        await loadRawData(db, { ...random, analytics_events: [], subscription_events: [] })
        await arrive(Number.NEGATIVE_INFINITY, start)
        setClock(start + 5 * minute)
        await app.call('backfillKpiSnapshots', new Date(start - 2 * day), new Date(start))
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
        const repaired = await storedMetrics()
        expect(await db.collection('kpi_repairs').countDocuments()).toBe(0)
        await clearDerived(db)
        await app.call('backfillKpiSnapshots', new Date(start - 2 * day), new Date(centre))
        const onTime = await storedMetrics()
        expect(repaired.length).toBeGreaterThanOrEqual(10)
        expect(repaired.slice(-10)).toEqual(onTime)
      }),
      { numRuns: runs },
    )
  })
})
