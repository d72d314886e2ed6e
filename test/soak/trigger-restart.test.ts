import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { MongoClient, MongoServerError } from 'mongodb'
import { expect, it } from 'vitest'
import { createTriggerRunner } from '../../runtime/triggers/index.ts'
import { startApp } from '../unit/runtime/functions/app.ts'
import { databaseTrigger, scheduledTrigger, until } from '../unit/runtime/triggers/support.ts'

const restarts = Number(process.env.SOAK_RESTARTS ?? 20)
const database = 'trigger_restart'
const script = fileURLToPath(new URL('support/database-process.ts', import.meta.url))
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function startDatabase(port: number, folder: string): Promise<{ child: ChildProcess; port: number }> {
  const child = spawn(process.execPath, [script, String(port), folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  const opened = await new Promise<number>((resolve, reject) => {
    child.stdout?.once('data', (data) => resolve(Number(data)))
    child.once('exit', (code) => reject(new Error(`the database ended by itself: ${code}`)))
  })
  child.removeAllListeners('exit')
  return { child, port: opened }
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await exited
}

it(`goes on unaided after the database was killed and restarted ${restarts} times under load`, async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'trigger-restart-'))
  let running = await startDatabase(0, folder)
  const client = new MongoClient(`mongodb://127.0.0.1:${running.port}/?replicaSet=rs0`, {
    serverSelectionTimeoutMS: 500,
  })
  const { runtime, log } = startApp(client, {
    functions: {
      record: `exports = async (event) => {
        const effects = context.services.get('mongodb-atlas').db('${database}').collection('effects')
        await effects.updateOne({ _id: event.documentKey._id }, { $setOnInsert: { at: new Date() } }, { upsert: true })
      }`,
      tick: 'exports = () => {}',
    },
    definition: {
      triggers: [
        databaseTrigger('record', { database, collection: 'source', operation_types: ['INSERT'] }),
        scheduledTrigger('tick', '* * * * *'),
      ],
    },
    options: { stateDatabase: `${database}_state`, now: () => new Date() },
  })
  const runner = createTriggerRunner(runtime, { leaseMs: 1_000 })
  await runner.start()

  const source = client.db(database).collection<{ _id: number }>('source')
  const acknowledged: number[] = []
  let writing = true
  const writer = (async () => {
    for (let n = 0; writing; n++) {
      for (;;) {
        try {
          await source.insertOne({ _id: n })
          break
        } catch (error) {
          // Written by the attempt whose answer was lost.
          if (error instanceof MongoServerError && error.code === 11000) break
        }
      }
      acknowledged.push(n)
      await sleep(5)
    }
  })()
  try {
    for (let n = 0; n < restarts; n++) {
      await sleep(300 + Math.random() * 700)
      await kill(running.child)
      await sleep(Math.random() * 300)
      running = await startDatabase(running.port, folder)
    }
    await sleep(500)
    writing = false
    await writer
    const effects = client.db(database).collection<{ _id: number }>('effects')
    await until(async () => (await effects.countDocuments().catch(() => 0)) >= acknowledged.length, 60_000)
    expect((await source.find().sort({ _id: 1 }).toArray()).map(({ _id }) => _id)).toEqual(acknowledged)
    expect((await effects.find().sort({ _id: 1 }).toArray()).map(({ _id }) => _id)).toEqual(acknowledged)
    await until(() => runner.status().active)
    expect(runner.status().triggers).toEqual([
      { name: 'record', type: 'DATABASE', state: 'running' },
      { name: 'tick', type: 'SCHEDULED', state: 'running' },
    ])
    console.log(`${acknowledged.length} writes, ${log.filter(({ status }) => status === 'error').length} errors logged`)
  } finally {
    writing = false
    await runner.stop()
    await client.close()
    await kill(running.child)
    await rm(folder, { recursive: true, force: true })
  }
})
