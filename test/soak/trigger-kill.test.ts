import { type Db, MongoClient } from 'mongodb'
import { describe, expect, it } from 'vitest'
import type { HostKind } from '../contract/edge-under-test.ts'
import { startTestDatabase } from '../support/database.ts'
import { until } from '../unit/runtime/triggers/support.ts'
import { type Child, startChild } from './support/child.ts'
import { buildSoakApp, type Delivery, hostKinds, type SoakApp } from './support/soak-app.ts'

const kills = Number(process.env.SOAK_KILLS ?? 100)
const changes = Number(process.env.SOAK_CHANGES ?? 5_000)
const documents = 25
const burst = 25

interface Runner {
  readonly name: string
  readonly child: Child
}

/** When each runner was dead, by its name. */
type Deaths = ReadonlyMap<string, number>

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Two runners on one database, of which one is killed and replaced again and again. */
class Runners {
  readonly deaths = new Map<string, number>()
  readonly #start: () => Promise<Runner>
  #alive: Runner[] = []

  constructor(kind: HostKind, app: SoakApp, uri: string) {
    let started = 0
    this.#start = async () => {
      const name = `runner-${started++}`
      return { name, child: await startChild('host-process.ts', [kind, app.artefact, uri, name]) }
    }
  }

  async startBoth(): Promise<void> {
    this.#alive = await Promise.all([this.#start(), this.#start()])
  }

  /** @param active name of the runner that delivered last: killing the idle one shows little */
  async replace(active: string | undefined): Promise<void> {
    const acting = this.#alive.findIndex(({ name }) => name === active)
    const victim = acting >= 0 && Math.random() < 0.7 ? acting : Math.floor(Math.random() * 2)
    const [runner] = this.#alive.splice(victim, 1)
    if (runner === undefined) throw new Error('no runner to kill')
    await runner.child.kill()
    this.deaths.set(runner.name, Date.now())
    this.#alive.push(await this.#start())
  }

  async killAll(): Promise<void> {
    await Promise.all(this.#alive.map(({ child }) => child.kill()))
  }
}

describe.each(hostKinds)('triggers of two runners on %s', (kind) => {
  it(`deliver ${changes} changes at least once and in order, though one is killed ${kills} times`, async () => {
    const server = await startTestDatabase()
    const client = await MongoClient.connect(server.uri)
    const app = await buildSoakApp(kind, `trigger_kill_${kind}_${process.pid}`)
    const db = client.db(app.database)
    const deliveries = db.collection<Delivery>('deliveries')
    const effects = db.collection<{ _id: string; doc: number; seq: number }>('effects')
    const runners = new Runners(kind, app, server.uri)
    try {
      await deliveries.createIndex({ started_at: 1 })
      await runners.startBoth()
      let allowed = 0
      const writing = writeChanges(db, () => allowed)
      for (let n = 0; n < kills; n++) {
        // The changes are spread over the kills.
        allowed = Math.ceil((changes * (n + 1)) / kills)
        await sleep(200 + Math.random() * 900)
        const [last] = await deliveries.find().sort({ started_at: -1 }).limit(1).toArray()
        await runners.replace(last?.runner)
      }
      await writing
      await until(async () => (await effects.countDocuments()) >= changes, 120_000)
      await sleep(1_500)

      const all = await deliveries.find().sort({ started_at: 1, _id: 1 }).toArray()
      const state = await effects
        .find({}, { projection: { _id: 0 } })
        .sort({ seq: 1, doc: 1 })
        .toArray()
      expect(state).toEqual(
        Array.from({ length: changes }, (_, n) => ({ doc: n % documents, seq: Math.floor(n / documents) + 1 })),
      )
      expect(outOfOrder(all)).toEqual([])
      expect(overlapping(all, runners.deaths)).toEqual([])
      expect(unexplainedRepeats(all, runners.deaths)).toEqual([])
      const repeats = all.length - changes
      console.log(`${kind}: ${all.length} deliveries of ${changes} changes, ${repeats} repeated, ${kills} kills`)
    } finally {
      await runners.killAll()
      await db.dropDatabase()
      await forget(client, app.clientAppId)
      await client.close()
      await server.close()
      await app.remove()
    }
  })
})

/** Writes all changes in bursts, never more than `allowed` tells. */
async function writeChanges(db: Db, allowed: () => number): Promise<void> {
  const source = db.collection<{ _id: number; seq: number }>('source')
  for (let n = 0; n < changes; n++) {
    while (n >= allowed()) await sleep(20)
    await source.updateOne({ _id: n % documents }, { $inc: { seq: 1 } }, { upsert: true })
    if (n % burst === 0) await sleep(300)
  }
}

/** Removes what the edge remembered of the app. */
async function forget(client: MongoClient, app: string): Promise<void> {
  const state = client.db('atlas_edge')
  for (const name of ['triggers', 'trigger_leases', 'trigger_runs'])
    await state.collection<{ _id: string }>(name).deleteMany({ _id: { $regex: `^${app}/` } })
}

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
function overlapping(all: readonly Delivery[], deaths: Deaths): [Delivery, Delivery][] {
  const end = (delivery: Delivery) =>
    delivery.ended_at?.getTime() ?? deaths.get(delivery.runner) ?? Number.MAX_SAFE_INTEGER
  return all.flatMap((delivery, index): [Delivery, Delivery][] => {
    const next = all[index + 1]
    return next !== undefined && next.runner !== delivery.runner && end(delivery) > next.started_at.getTime()
      ? [[delivery, next]]
      : []
  })
}

/** Repeated deliveries whose first runner was not killed in between. */
function unexplainedRepeats(all: readonly Delivery[], deaths: Deaths): Delivery[] {
  const first = new Map<string, Delivery>()
  return all.filter((delivery) => {
    const before = first.get(delivery.change)
    first.set(delivery.change, delivery)
    const death = before === undefined ? undefined : deaths.get(before.runner)
    return before !== undefined && !(death !== undefined && death <= delivery.started_at.getTime())
  })
}
