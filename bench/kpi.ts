import { MongoClient } from 'mongodb'
import { loadAppFolder } from '../cli/app-folder/index.ts'
import { loadBuiltApp } from '../cli/built-app.ts'
import { initialiseDatabase } from '../cli/database/initialise.ts'
import { repositoryRoot } from '../cli/own-app.ts'
import { startDatabase } from '../local/database/main.ts'
import { type DemoScaleName, demoScales } from '../local/demo/scale.ts'
import { seedDemo } from '../local/demo/seed.ts'
import { createRuntime } from '../runtime/create-runtime.ts'
import { systemUser } from '../runtime/user.ts'
import { biDatabase } from '../schemas/database/collections.ts'

const day = 86_400_000
/** Aims of the product: a snapshot must not cost more after ten times the history, a backfill must beat the naive one. */
const mostGrowth = 1.2
const leastGain = 20
const today = Math.floor(Date.now() / day) * day

interface Kpis {
  readonly client: MongoClient
  call(name: string, ...args: unknown[]): Promise<unknown>
}

const { built } = await loadBuiltApp(repositoryRoot)
const { definition } = await loadAppFolder(repositoryRoot)

async function open(uri: string): Promise<Kpis> {
  const client = new MongoClient(uri, { monitorCommands: true })
  await client.connect()
  await initialiseDatabase(client, definition)
  const runtime = createRuntime({
    built,
    clientFor: () => client,
    stateClient: client,
    secrets: {},
    now: () => new Date(),
    fetch,
    log: () => {},
  })
  const caller = { user: systemUser, runAsSystem: true, request: {}, requestId: 'bench' }
  return { client, call: (name, ...args) => runtime.callFunction(name, args, caller, 'system') }
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** `days` of a business that is the same every day: people come, pay for two months and leave. */
async function loadSteadyHistory(client: MongoClient, days: number): Promise<void> {
  const db = client.db(biDatabase)
  for (const name of [
    'users',
    'analytics_events',
    'subscription_events',
    'kpi_snapshots',
    'user_activity_daily',
    'subscription_segments',
    'customer_mrr_segments',
    'kpi_rollups',
    'kpi_state',
  ])
    await db.collection(name).deleteMany({})
  const users: object[] = []
  const events: object[] = []
  const log: object[] = []
  for (let back = days; back >= 1; back--) {
    const opens = today - back * day
    const at = new Date(opens + 1000)
    const user_id = `user-${back}`
    users.push({ _id: user_id, auth0_id: user_id, role: 'viewer', created_at: at })
    const row = { subscription_id: `sub-${back}`, user_id, plan: 'pro', mrr: 10 + (back % 90), recorded_at: at }
    log.push({ ...row, effective_at: at, status: 'active' })
    if (back > 60) log.push({ ...row, effective_at: new Date(opens + 60 * day), status: 'cancelled' })
    for (let active = back; active < Math.min(days, back + 90); active += 2)
      events.push({ event_type: 'page_view', user_id: `user-${active}`, timestamp: at, received_at: at })
  }
  await db.collection('users').insertMany(users as never)
  await db.collection('subscription_events').insertMany(log as never)
  for (let from = 0; from < events.length; from += 5000)
    await db.collection('analytics_events').insertMany(events.slice(from, from + 5000) as never)
}

type Command = Readonly<Record<string, unknown>>

/** Documents that the reads of `work` examine, by their own explain; null where the server has none. */
async function documentsExamined(
  { client }: Kpis,
  work: () => Promise<unknown>,
): Promise<{ documents: number; collectionScans: string[] } | null> {
  const reads: { name: string; command: Command }[] = []
  const record = (event: { commandName: string; command: Command }): void => {
    if (['find', 'aggregate', 'count'].includes(event.commandName))
      reads.push({ name: event.commandName, command: event.command })
  }
  client.on('commandStarted', record as never)
  await work()
  client.off('commandStarted', record as never)
  let documents = 0
  const collectionScans: string[] = []
  for (const { name, command } of reads) {
    const plain = Object.fromEntries(
      Object.entries(command).filter(
        ([key]) => !['lsid', '$clusterTime', '$db', 'txnNumber', '$readPreference'].includes(key),
      ),
    )
    // A write stage would write again.
    if (Array.isArray(plain.pipeline)) plain.pipeline = plain.pipeline.filter((stage) => !('$merge' in Object(stage)))
    if (isIndexCount(plain.pipeline)) continue
    try {
      const plan = await client.db(biDatabase).command({ explain: plain, verbosity: 'executionStats' })
      const text = JSON.stringify(plan)
      const examined = /"totalDocsExamined":\{?"?(?:\$numberInt"?:"?)?(\d+)/.exec(text)?.[1]
      documents += Number(examined ?? 0)
      if (text.includes('COLLSCAN')) collectionScans.push(`${name} ${String(plain[name])}`)
    } catch {
      return null
    }
  }
  return { documents, collectionScans: [...new Set(collectionScans)] }
}

/** A count over one indexed field: MongoDB answers it from the index and examines no document, the local database does. */
function isIndexCount(pipeline: unknown): boolean {
  if (!Array.isArray(pipeline) || pipeline.length !== 2) return false
  const [match, group] = pipeline
  return Object.keys(Object(match.$match)).length === 1 && Object(group.$group)._id === 1
}

/** The best of several runs: what else the machine does only ever adds to a time. */
function best(values: readonly number[]): number {
  return Math.min(...values)
}

async function measureGrowth(kpis: Kpis): Promise<boolean> {
  const results: { days: number; ms: number; documents: number | null }[] = []
  for (const days of [365, 3650]) {
    await loadSteadyHistory(kpis.client, days)
    const compute = () => kpis.call('computeKpiSnapshot', new Date(today), { tables: false })
    // The first pass builds the segments of the whole log and the rollups; every later night stands on them.
    await kpis.call('backfillKpiSnapshots', new Date(today - 40 * day), new Date(today))
    for (let run = 0; run < 10; run++) await compute()
    const times: number[] = []
    for (let run = 0; run < 15; run++) times.push(await milliseconds(compute))
    const examined = await documentsExamined(kpis, compute)
    results.push({ days, ms: best(times), documents: examined?.documents ?? null })
    const scans = examined === null ? '' : `, collection scans: ${examined.collectionScans.join(', ') || 'none'}`
    console.log(
      `one snapshot, ${days} days of history: ${best(times).toFixed(1)} ms, ` +
        `${examined?.documents ?? 'no explain, unknown'} documents examined${scans}`,
    )
  }
  const [one, ten] = results
  if (one === undefined || ten === undefined) return false
  const time = ten.ms / one.ms
  const documents = one.documents === null || ten.documents === null ? null : ten.documents / one.documents
  console.log(
    `10x history: ${time.toFixed(2)}x the time${documents === null ? '' : `, ${documents.toFixed(2)}x the documents`}` +
      ` (aim: at most ${mostGrowth})`,
  )
  return time <= mostGrowth && (documents ?? 0) <= mostGrowth
}

/**
 * What the users' own pipelines cost for one past day: the same facets and groups, with T for the clock. `last_login`
 * knows no past, so activity is read from the events, in the same facet.
 */
async function naiveDay(client: MongoClient, asOf: Date): Promise<void> {
  const db = client.db(biDatabase)
  const since = (days: number) => ({ $gte: new Date(asOf.getTime() - days * day), $lt: asOf })
  const distinct = (days: number) => [
    { $match: { timestamp: since(days) } },
    { $group: { _id: '$user_id' } },
    { $count: 'count' },
  ]
  await db
    .collection('users')
    .aggregate([{ $facet: { totalUsers: [{ $match: { created_at: { $lt: asOf } } }, { $count: 'count' }] } }])
    .toArray()
  await db
    .collection('analytics_events')
    .aggregate([{ $facet: { mau: distinct(30), dau: distinct(1) } }])
    .toArray()
  await db
    .collection('subscription_events')
    .aggregate([
      { $match: { effective_at: { $lt: asOf } } },
      { $sort: { subscription_id: 1, effective_at: -1, seq: -1 } },
      { $group: { _id: '$subscription_id', status: { $first: '$status' }, mrr: { $first: '$mrr' } } },
      { $match: { status: 'active' } },
      { $group: { _id: null, active_subscriptions: { $sum: 1 }, mrr: { $sum: '$mrr' } } },
    ])
    .toArray()
}

const backfilledDays = 730
const sampledDays = 3

async function measureBackfill(kpis: Kpis, scale: DemoScaleName): Promise<boolean> {
  await kpis.client.db(biDatabase).dropDatabase()
  await initialiseDatabase(kpis.client, definition)
  const counts = await seedDemo({ client: kpis.client, scale, today: new Date(today) })
  const from = today - (backfilledDays - 1) * day
  const ours = await milliseconds(async () => {
    let next: unknown = new Date(from)
    let started: unknown
    while (next !== null) {
      const step = Object(await kpis.call('backfillKpiSnapshots', next, new Date(today), started ? { started } : {}))
      next = step.next
      started = step.started
    }
  })
  let sampled = 0
  for (let sample = 1; sample <= sampledDays; sample++) {
    const asOf = new Date(today - Math.floor((sample * backfilledDays) / (sampledDays + 1)) * day)
    sampled += await milliseconds(() => naiveDay(kpis.client, asOf))
  }
  const naive = (sampled / sampledDays) * backfilledDays
  console.log(
    `${backfilledDays}-day backfill, ${scale} demo (${counts.analytics_events} events): ${(ours / 1000).toFixed(1)} s; ` +
      `naive ${(naive / 1000).toFixed(0)} s (${sampledDays} days measured, ${(sampled / sampledDays).toFixed(0)} ms each); ` +
      `${(naive / ours).toFixed(1)}x (aim: at least ${leastGain})`,
  )
  return naive / ours >= leastGain
}

function scaleOf(text: string | undefined): DemoScaleName {
  return text !== undefined && Object.hasOwn(demoScales, text) ? (text as DemoScaleName) : 'full'
}

/**
 * Cost of a snapshot at ten times the history, and of a two-year backfill beside the naive one. On the local database,
 * or on the server of `MONGODB_URI`, whose `bi_dashboard` is replaced; `KPI_BENCH_SCALE=small` takes the small demo.
 */
export async function run(): Promise<boolean> {
  const uri = process.env.MONGODB_URI
  const database = uri ? undefined : await startDatabase({ port: 0 })
  const kpis = await open(uri ?? database!.uri)
  try {
    const growth = await measureGrowth(kpis)
    return (await measureBackfill(kpis, scaleOf(process.env.KPI_BENCH_SCALE))) && growth
  } finally {
    await kpis.client.close()
    await database?.close()
  }
}
