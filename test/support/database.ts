import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { MongoClient } from 'mongodb'
import { startDatabase } from '../../local/database/main.ts'

export interface TestDatabase {
  /** Connection string without a database. */
  readonly uri: string
  /** Which kind of server it is: tests that need change streams ask `changeStreams`. */
  readonly changeStreams: boolean
  close(): Promise<void>
}

/**
 * The server of design 5: `MONGODB_URI` if set, a real `mongod` if `MONGOD_BINARY` names one, else the local database on
 * a free port. Tests use database names of their own, so that they may share a server.
 */
export async function startTestDatabase(): Promise<TestDatabase> {
  const uri = process.env.MONGODB_URI
  if (uri) return { uri, changeStreams: await hasChangeStreams(uri), close: async () => {} }
  if (process.env.MONGOD_BINARY) return startMongod(process.env.MONGOD_BINARY)
  const database = await startDatabase({ port: 0 })
  return { uri: database.uri, changeStreams: true, close: () => database.close() }
}

async function hasChangeStreams(uri: string): Promise<boolean> {
  const client = new MongoClient(uri)
  const stream = client.db('atlas_edge_probe').watch([], { maxAwaitTimeMS: 10 })
  try {
    await stream.tryNext()
    return true
  } catch {
    return false
  } finally {
    await stream.close()
    await client.close()
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}

async function startMongod(binary: string): Promise<TestDatabase> {
  const port = await freePort()
  const dbpath = await mkdtemp(path.join(os.tmpdir(), 'mongod-'))
  const child = spawn(
    binary,
    ['--dbpath', dbpath, '--port', String(port), '--replSet', 'rs0', '--bind_ip', '127.0.0.1'],
    {
      stdio: 'ignore',
    },
  )
  const direct = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`)
  await direct
    .db('admin')
    .command({ replSetInitiate: { _id: 'rs0', members: [{ _id: 0, host: `127.0.0.1:${port}` }] } })
  await direct.close()
  return {
    uri: `mongodb://127.0.0.1:${port}/?replicaSet=rs0`,
    changeStreams: true,
    async close() {
      const exited = new Promise((resolve) => child.once('exit', resolve))
      child.kill()
      await exited
      await rm(dbpath, { recursive: true, force: true })
    },
  }
}
