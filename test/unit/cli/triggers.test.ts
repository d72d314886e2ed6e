import { spawn } from 'node:child_process'
import path from 'node:path'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TriggerStore } from '../../../runtime/triggers/index.ts'
import { startTestDatabase, type TestDatabase } from '../../support/database.ts'

const root = path.resolve(import.meta.dirname, '../../..')
const app = path.join(root, 'test/fixtures/apps/every-trigger')
const clientAppId = 'every-trigger-fixtr'

describe('the commands for triggers', () => {
  let database: TestDatabase
  let client: MongoClient
  beforeAll(async () => {
    database = await startTestDatabase()
    client = await MongoClient.connect(database.uri)
  })
  afterAll(async () => {
    await client.db('atlas_edge').collection('triggers').deleteMany({ app: clientAppId })
    await client.close()
    await database.close()
  })

  function run(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
    const all = [path.join(root, 'cli/main.ts'), ...args, '--app', app, '--uri', database.uri, '--json']
    return new Promise((resolve) => {
      const child = spawn(process.execPath, all, { cwd: root })
      let out = ''
      let err = ''
      child.stdout.on('data', (chunk) => {
        out += chunk
      })
      child.stderr.on('data', (chunk) => {
        err += chunk
      })
      child.on('close', (code) => resolve({ code, out, err }))
    })
  }

  it('show a suspended trigger, and resume it once', async () => {
    const store = new TriggerStore(client, clientAppId)
    await store.suspend(['collectionChange'], { reason: 'dropped', at: new Date() }, { _data: '82' }, 1)
    const row = async () =>
      JSON.parse((await run('triggers', 'list')).out).find(({ name }: { name: string }) => name === 'collectionChange')
    const common = {
      name: 'collectionChange',
      type: 'DATABASE',
      function_name: 'onChange',
      last_run: expect.any(String),
    }
    expect(await row()).toEqual({ ...common, state: 'suspended', reason: 'dropped' })
    expect(await run('triggers', 'resume', 'collectionChange')).toEqual({
      code: 0,
      out: '{"name":"collectionChange","resumed":"after its last change"}\n',
      err: '',
    })
    const [enabled, again, unknown, unnamed] = await Promise.all([
      row(),
      run('triggers', 'resume', 'collectionChange', '--from-now'),
      run('triggers', 'resume', 'nowhere'),
      run('triggers', 'resume'),
    ])
    expect(enabled).toEqual({ ...common, state: 'enabled' })
    expect(again).toEqual({ code: 1, out: '', err: 'the trigger "collectionChange" is not suspended\n' })
    expect([unknown.code, unnamed.code]).toEqual([2, 2])
  })
})
