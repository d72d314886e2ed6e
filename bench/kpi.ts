import { startDatabase } from '../local/database/main.ts'
import { type DemoScaleName, demoScales } from '../local/demo/scale.ts'
import { seedDemo } from '../local/demo/seed.ts'
import { documentsExamined } from './kpi/documents-examined.ts'
import { naiveDay } from './kpi/naive-day.ts'
import { day, type Kpis, openKpis, today } from './kpi/open.ts'
import { loadSteadyHistory } from './kpi/steady-history.ts'
import { median, milliseconds } from './timing.ts'

/** Aims of the product: a snapshot must not cost more after ten times the history, a backfill must beat the naive one. */
const mostGrowth = 1.2
const leastGain = 20

const rounds = 3
const pairsPerRound = 15
const backfilledDays = 730
const daysPerStep = 122

function verdict(met: boolean): string {
  return met ? 'met' : 'NOT met'
}

/** One snapshot at one and at ten years of history, in turns, so that whatever else the machine does falls on both. */
async function measureGrowth(uri: string): Promise<boolean> {
  const sizes = [365, 3650].map((days) => ({ days, kpis: openKpis(uri, `kpi_bench_${days}`) }))
  const businesses: { days: number; kpis: Kpis; documents: number | null }[] = []
  const compute = (kpis: Kpis) => kpis.call('computeKpiSnapshot', new Date(today), { tables: false })
  try {
    for (const { days, kpis: opening } of sizes) {
      const kpis = await opening
      await loadSteadyHistory(kpis.client, days)
      // The first pass builds the segments of the whole log and the rollups; every later night stands on them.
      await kpis.call('backfillKpiSnapshots', new Date(today - 40 * day), new Date(today))
      for (let run = 0; run < 10; run++) await compute(kpis)
      const examined = await documentsExamined(kpis, () => compute(kpis))
      businesses.push({ days, kpis, documents: examined?.documents ?? null })
      const scans = examined === null ? '' : `; collection scans: ${examined.collectionScans.join(', ') || 'none'}`
      console.log(`${days} days of history: ${examined?.documents ?? 'unknown'} documents examined${scans}`)
    }
    const [one, ten] = businesses
    if (one === undefined || ten === undefined) throw new Error('two histories were loaded')
    const ratios: number[] = []
    for (let round = 1; round <= rounds; round++) {
      const times: [number[], number[]] = [[], []]
      for (let pair = 0; pair < pairsPerRound; pair++) {
        times[0].push(await milliseconds(() => compute(one.kpis)))
        times[1].push(await milliseconds(() => compute(ten.kpis)))
      }
      ratios.push(median(times[1]) / median(times[0]))
      console.log(
        `one snapshot, round ${round}: ${median(times[0]).toFixed(1)} ms at ${one.days} days, ` +
          `${median(times[1]).toFixed(1)} ms at ${ten.days} days`,
      )
    }
    const time = median(ratios)
    const documents = one.documents === null || ten.documents === null ? null : ten.documents / one.documents
    const met = time <= mostGrowth && (documents ?? 0) <= mostGrowth
    console.log(
      `10x history: ${time.toFixed(2)}x the time (${ratios.map((ratio) => ratio.toFixed(2)).join(', ')})` +
        `${documents === null ? ', this server explains no documents' : `, ${documents.toFixed(2)}x the documents`}` +
        `; aim: at most ${mostGrowth}: ${verdict(met)}`,
    )
    return met
  } finally {
    for (const { kpis } of sizes) await (await kpis).close()
  }
}

/** The backfill step by step, with a day of the naive one between the steps. */
async function measureBackfill(uri: string, scale: DemoScaleName): Promise<boolean> {
  const kpis = await openKpis(uri, `kpi_bench_${scale}`)
  try {
    const counts = await seedDemo({ client: kpis.client, scale, today: new Date(today) })
    let ours = 0
    let next: unknown = new Date(today - (backfilledDays - 1) * day)
    let started: unknown
    const naiveDays: number[] = []
    for (let step = 1; next !== null; step++) {
      ours += await milliseconds(async () => {
        const done = Object(
          await kpis.call('backfillKpiSnapshots', next, new Date(today), {
            limit: daysPerStep,
            ...(started ? { started } : {}),
          }),
        )
        next = done.next
        started = done.started
      })
      const asOf = new Date(today - Math.floor(((step - 0.5) * backfilledDays) / 6) * day)
      naiveDays.push(await milliseconds(() => naiveDay(kpis.client, asOf)))
    }
    const naive = median(naiveDays) * backfilledDays
    const met = naive / ours >= leastGain
    console.log(
      `${backfilledDays}-day backfill, ${scale} demo (${counts.analytics_events} events): ${(ours / 1000).toFixed(1)} s; ` +
        `naive ${(naive / 1000).toFixed(0)} s (median of ${naiveDays.length} days: ${median(naiveDays).toFixed(0)} ms); ` +
        `${(naive / ours).toFixed(1)}x; aim: at least ${leastGain}: ${verdict(met)}`,
    )
    return met
  } finally {
    await kpis.close()
  }
}

function scaleOf(text: string | undefined): DemoScaleName {
  return text !== undefined && Object.hasOwn(demoScales, text) ? (text as DemoScaleName) : 'full'
}

/**
 * Cost of a snapshot at ten times the history, and of a two-year backfill beside the naive one. On the local database,
 * or on the server of `MONGODB_URI`, in databases of its own (`kpi_bench_*`); `KPI_BENCH_SCALE=small` takes the small
 * demo.
 */
export async function run(): Promise<boolean> {
  const database = process.env.MONGODB_URI ? undefined : await startDatabase({ port: 0 })
  const uri = process.env.MONGODB_URI ?? database?.uri ?? ''
  try {
    const growth = await measureGrowth(uri)
    return (await measureBackfill(uri, scaleOf(process.env.KPI_BENCH_SCALE))) && growth
  } finally {
    await database?.close()
  }
}
