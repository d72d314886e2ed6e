import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { MongoClient, type ObjectId } from 'mongodb'
import { expect, it } from 'vitest'
import { startTestDatabase } from '../support/database.ts'
import { until } from '../unit/runtime/triggers/support.ts'

const kills = Number(process.env.SOAK_KILLS ?? 100)
const changes = Number(process.env.SOAK_CHANGES ?? 5_000)
const documents = 25

interface Delivery {
  _id: ObjectId
  change: string
  doc: number
  seq: number
  pid: number
  started_at: Date
  ended_at?: Date
}

interface Runner {
  readonly child: ChildProcess
  readonly pid: number
}

const script = fileURLToPath(new URL('support/trigger-process.ts', import.meta.url))
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function spawnRunner(uri: string, database: string): Promise<Runner> {
  const child = spawn(process.execPath, [script, uri, database], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve())
    child.once('exit', (code) => reject(new Error(`a runner ended by itself: ${code}`)))
  })
  child.removeAllListeners('exit')
  return { child, pid: child.pid ?? 0 }
}

async function kill({ child }: Runner): Promise<void> {
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await exited
}

it(`delivers ${changes} changes at least once and in order, by one of two runners killed ${kills} times`, async () => {
  const server = await startTestDatabase()
  const client = await MongoClient.connect(server.uri)
  const database = `trigger_kill_${process.pid}`
  const db = client.db(database)
  const deliveries = db.collection<Delivery>('deliveries')
  const effects = db.collection<{ _id: string; doc: number; seq: number }>('effects')
  const killedAt = new Map<number, number>()
  let runners: Runner[] = []
  try {
    await deliveries.createIndex({ started_at: 1 })
    runners = await Promise.all([spawnRunner(server.uri, database), spawnRunner(server.uri, database)])

    let killing = true
    const writer = (async () => {
      const source = db.collection<{ _id: number; seq: number }>('source')
      for (let n = 0; n < changes; n++) {
        await source.updateOne({ _id: n % documents }, { $inc: { seq: 1 } }, { upsert: true })
        // Spread over the kills.
        if (killing && n % 25 === 0) await sleep(600)
      }
    })()
    for (let n = 0; n < kills; n++) {
      await sleep(200 + Math.random() * 900)
      const [last] = await deliveries.find().sort({ started_at: -1 }).limit(1).toArray()
      const active = runners.findIndex(({ pid }) => pid === last?.pid)
      // Mostly the one that acts: killing the idle one shows little.
      const victim = active >= 0 && Math.random() < 0.7 ? active : Math.floor(Math.random() * 2)
      const runner = runners[victim]
      if (runner === undefined) throw new Error('no runner to kill')
      await kill(runner)
      killedAt.set(runner.pid, Date.now())
      runners[victim] = await spawnRunner(server.uri, database)
    }
    killing = false
    await writer
    await until(async () => (await effects.countDocuments()) >= changes, 120_000)
    await sleep(1_500)

    const all = await deliveries.find().sort({ started_at: 1, _id: 1 }).toArray()
    expect(await effects.countDocuments()).toBe(changes)
    expect(outOfOrder(all)).toEqual([])
    expect(overlapping(all, killedAt)).toEqual([])
    expect(unexplainedRepeats(all, killedAt)).toEqual([])
    const repeats = all.length - changes
    console.log(`${all.length} deliveries of ${changes} changes, ${repeats} repeated, ${killedAt.size} kills`)
  } finally {
    await Promise.all(runners.map(kill))
    await Promise.all([db.dropDatabase(), client.db(`${database}_state`).dropDatabase()])
    await client.close()
    await server.close()
  }
})

/** Deliveries that skipped a change of their document. */
function outOfOrder(all: readonly Delivery[]): Delivery[] {
  const last = new Map<number, number>()
  return all.filter(({ doc, seq }) => {
    const before = last.get(doc) ?? 0
    last.set(doc, Math.max(before, seq))
    return seq > before + 1
  })
}

/** Pairs of deliveries of different runners that were in work at the same time. */
function overlapping(all: readonly Delivery[], killedAt: ReadonlyMap<number, number>): [Delivery, Delivery][] {
  const end = (delivery: Delivery) =>
    delivery.ended_at?.getTime() ?? killedAt.get(delivery.pid) ?? Number.MAX_SAFE_INTEGER
  return all.flatMap((delivery, index): [Delivery, Delivery][] => {
    const next = all[index + 1]
    return next !== undefined && next.pid !== delivery.pid && end(delivery) > next.started_at.getTime()
      ? [[delivery, next]]
      : []
  })
}

/** Repeated deliveries whose first runner was not killed in between. */
function unexplainedRepeats(all: readonly Delivery[], killedAt: ReadonlyMap<number, number>): Delivery[] {
  const first = new Map<string, Delivery>()
  return all.filter((delivery) => {
    const before = first.get(delivery.change)
    first.set(delivery.change, delivery)
    return (
      before !== undefined && !((killedAt.get(before.pid) ?? Number.MAX_SAFE_INTEGER) <= delivery.started_at.getTime())
    )
  })
}
