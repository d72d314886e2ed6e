import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { MongoClient } from 'mongodb'
import { afterAll, describe, expect, it } from 'vitest'
import { startDatabase } from '../../local/database/main.ts'

const KILLS = Number(process.env.KILLS ?? 100)
const SERVE = fileURLToPath(new URL('../../local/database/serve.ts', import.meta.url))

interface Entry {
  _id: number
  writer: number
  count: number
}

const folders: string[] = []
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'kill-'))
  folders.push(folder)
  return folder
}

async function startServer(folder: string): Promise<{ child: ChildProcess; uri: string }> {
  const child = spawn(process.execPath, [SERVE, '--port', '0', '--db-path', folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const uri = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (data) => resolve(String(data).trim()))
    child.stderr.once('data', (data) => reject(new Error(String(data))))
  })
  return { child, uri }
}

describe('a server that is killed', () => {
  it(`loses nothing it has acknowledged and repeats nothing, ${KILLS} times`, async () => {
    const folder = await temporaryFolder()
    const acknowledged = new Map<number, number>()
    let nextId = 0
    for (let kill = 0; kill < KILLS; kill++) {
      const { child, uri } = await startServer(folder)
      const client = new MongoClient(uri, { serverSelectionTimeoutMS: 2000, retryWrites: false })
      const entries = client.db('kill').collection<Entry>('entries')
      let stopped = false
      const writers = [0, 1, 2].map(async (writer) => {
        while (!stopped) {
          const _id = nextId++
          try {
            await entries.insertOne({ _id, writer, count: 0 })
            acknowledged.set(_id, 0)
            await entries.updateOne({ _id }, { $inc: { count: 1 } })
            acknowledged.set(_id, 1)
          } catch {
            return
          }
        }
      })
      await new Promise((resolve) => setTimeout(resolve, 40 + Math.random() * 120))
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      stopped = true
      await gone
      await Promise.all(writers)
      await client.close()
    }
    const database = await startDatabase({ path: folder })
    const client = new MongoClient(database.uri)
    try {
      const found = new Map<number, number>()
      for await (const { _id, count } of client.db('kill').collection<Entry>('entries').find()) {
        expect(found.has(_id)).toBe(false)
        expect(count).toBeLessThanOrEqual(1)
        found.set(_id, count)
      }
      const lost = [...acknowledged].filter(([_id, count]) => (found.get(_id) ?? -1) < count)
      expect(lost).toEqual([])
      expect(acknowledged.size).toBeGreaterThan(KILLS)
    } finally {
      await client.close()
      await database.close()
    }
  })

  it('starts again in less than a second with 100,000 documents', async () => {
    const folder = await temporaryFolder()
    const first = await startDatabase({ path: folder })
    const client = new MongoClient(first.uri)
    const documents = client.db('start').collection('documents')
    await documents.createIndex({ n: 1 })
    for (let batch = 0; batch < 10; batch++) {
      await documents.insertMany(
        Array.from({ length: 10_000 }, (_, at) => ({ n: batch * 10_000 + at, text: `number ${at}`, at: new Date() })),
      )
    }
    await client.close()
    await first.close()
    const before = process.cpuUsage()
    const second = await startDatabase({ path: folder })
    const { user, system } = process.cpuUsage(before)
    const again = new MongoClient(second.uri)
    expect(await again.db('start').collection('documents').estimatedDocumentCount()).toBe(100_000)
    await again.close()
    await second.close()
    // Time on the processor: the clock on the wall also counts what other processes take of a busy machine.
    expect((user + system) / 1000).toBeLessThan(1000)
  })
})
