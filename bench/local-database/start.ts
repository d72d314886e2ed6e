import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { MongoClient } from 'mongodb'
import { serveDatabase } from '../../test/support/served-database.ts'
import { median, milliseconds } from '../timing.ts'

const RUNS = 11
const AIM_MS = 300

const execute = promisify(execFile)

async function startAndAsk(): Promise<number> {
  let end = async (): Promise<void> => {}
  const took = await milliseconds(async () => {
    const database = await serveDatabase()
    const client = new MongoClient(database.uri)
    end = async () => {
      await client.close()
      await database.close()
    }
    await client.db('bench').collection('documents').findOne({ n: 1 })
  })
  await end()
  return took
}

/** From the start of the process to the first answer that the driver has, beside a process that does nothing. */
export async function measureStart(): Promise<boolean> {
  // The first start ever compiles what later ones find compiled.
  await startAndAsk()
  const times: number[] = []
  const idle: number[] = []
  for (let run = 0; run < RUNS; run++) {
    times.push(await startAndAsk())
    idle.push(await milliseconds(() => execute(process.execPath, ['--eval', '0'])))
  }
  console.log(
    `process start to first answer: ${Math.round(median(times))} ms (median of ${RUNS}; ` +
      `${Math.round(Math.min(...times))} to ${Math.round(Math.max(...times))}; ` +
      `node alone, in turns with it: ${Math.round(median(idle))} ms); aim: below ${AIM_MS}`,
  )
  return median(times) < AIM_MS
}
