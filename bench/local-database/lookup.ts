import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { MongoClient } from 'mongodb'
import { median, milliseconds } from '../timing.ts'

const ROUNDS = 9
const CALLS = 2000
/** `findOne` by `_id` must reach this share of the throughput of a server that answers a constant. */
const AIM = 0.5

interface Ports {
  readonly constant: number
  readonly database: number
}

async function startServers(): Promise<{ child: ChildProcess; ports: Ports }> {
  const child = fork(fileURLToPath(new URL('./constant-server.ts', import.meta.url)))
  const ports = await new Promise<Ports>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Ports))
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
  })
  return { child, ports }
}

async function callsPerSecond(client: MongoClient): Promise<number> {
  const collection = client.db('bench').collection<{ _id: number }>('docs')
  const took = await milliseconds(async () => {
    for (let call = 0; call < CALLS; call++) await collection.findOne({ _id: 7 })
  })
  return (CALLS / took) * 1000
}

/** `findOne` by `_id` beside the same call against a constant server, in turns. */
export async function measureLookup(): Promise<boolean> {
  const { child, ports } = await startServers()
  const constant = new MongoClient(`mongodb://127.0.0.1:${ports.constant}/?directConnection=true`)
  const database = new MongoClient(`mongodb://127.0.0.1:${ports.database}/?directConnection=true`)
  try {
    const documents = database.db('bench').collection<{ _id: number }>('docs')
    await documents.insertMany(
      Array.from({ length: 1000 }, (_, _id) => ({
        _id,
        name: 'a constant',
        nested: { tags: ['x', 'y'], count: 3 },
        text: 'x'.repeat(120),
      })),
    )
    await callsPerSecond(constant)
    await callsPerSecond(database)
    const rates = { constant: [] as number[], database: [] as number[] }
    for (let round = 0; round < ROUNDS; round++) {
      rates.constant.push(await callsPerSecond(constant))
      rates.database.push(await callsPerSecond(database))
    }
    const share = median(rates.database) / median(rates.constant)
    console.log(`constant server: ${Math.round(median(rates.constant))} findOne/s (median of ${ROUNDS})`)
    console.log(`local database:  ${Math.round(median(rates.database))} findOne/s by _id`)
    console.log(`share: ${share.toFixed(2)}; aim: at least ${AIM}`)
    return share >= AIM
  } finally {
    await constant.close()
    await database.close()
    child.disconnect()
  }
}
