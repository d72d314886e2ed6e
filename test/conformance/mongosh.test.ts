import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestDatabase } from '../support/database.ts'

/**
 * The shell is 395 packages and no dependency of ours: `MONGOSH_BINARY`, else `mongosh` on PATH, as
 * `npm install --global mongosh` puts it there.
 */
const MONGOSH = process.env.MONGOSH_BINARY ?? 'mongosh'
const absent = spawnSync(MONGOSH, ['--version']).status !== 0

/** What is typed, and what the shell prints on one line. */
const SESSION: readonly (readonly [typed: string, printed: string])[] = [
  ['use shell_session', 'switched to db shell_session'],
  ["db.items.insertOne({ _id: 1, name: 'pen', price: 2 })", '{ acknowledged: true, insertedId: 1 }'],
  [
    'db.items.insertMany([{ _id: 2, price: 5 }, { _id: 3, price: 5 }])',
    "{ acknowledged: true, insertedIds: { '0': 2, '1': 3 } }",
  ],
  ['db.items.find({ price: 5 }, { price: 0 }).sort({ _id: -1 })', '[ { _id: 3 }, { _id: 2 } ]'],
  ['db.items.findOne({ _id: 2 })', '{ _id: 2, price: 5 }'],
  ['db.items.updateOne({ _id: 1 }, { $inc: { price: 1 } }).modifiedCount', '1'],
  [
    "db.items.aggregate([{ $group: { _id: '$price', n: { $sum: 1 } } }, { $sort: { _id: 1 } }])",
    '[ { _id: 3, n: 1 }, { _id: 5, n: 2 } ]',
  ],
  ['db.items.createIndex({ price: 1 })', 'price_1'],
  ['db.items.getIndexes().map((index) => index.name)', "[ '_id_', 'price_1' ]"],
  ['db.items.countDocuments({ price: 5 })', '2'],
  ['db.items.find({ price: 5 }).explain().queryPlanner.winningPlan.inputStage.indexName', 'price_1'],
  ['db.items.deleteOne({ _id: 3 }).deletedCount', '1'],
  ["db.items.distinct('price')", '[ 3, 5 ]'],
  ['show collections', 'items'],
  ['db.items.drop()', 'true'],
  ['db.dropDatabase()', "{ ok: 1, dropped: 'shell_session' }"],
]

describe.skipIf(absent)(`mongosh (MONGOSH_BINARY or PATH: ${absent ? 'absent, skipped' : 'found'})`, () => {
  let database: TestDatabase
  let home = ''
  beforeAll(async () => {
    database = await startTestDatabase()
    home = await mkdtemp(path.join(os.tmpdir(), 'mongosh-'))
  })
  afterAll(async () => {
    await database.close()
    await rm(home, { recursive: true, force: true })
  })

  it('holds a session of the commonest helpers', async () => {
    const output = await runShell(
      SESSION.map(([typed]) => typed),
      database.uri,
      home,
    )
    expect(output).toEqual(SESSION.map(([, printed]) => printed))
  })

  it('lists databases', async () => {
    const output = await runShell(
      ['use shell_session', 'db.items.insertOne({ _id: 1 }).acknowledged', 'show dbs', 'db.dropDatabase().ok'],
      database.uri,
      home,
    )
    expect(output.join(' ')).toMatch(/true admin .*shell_session .*1$/)
  })
})

/** Types lines at the prompt; the answers, each on one line. */
async function runShell(lines: readonly string[], uri: string, home: string): Promise<string[]> {
  const shell = spawn(MONGOSH, [uri, '--quiet'], {
    env: { ...process.env, HOME: home },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  shell.stdin.end(`${lines.join('\n')}\n`)
  const chunks: Buffer[] = []
  for await (const chunk of shell.stdout) chunks.push(chunk)
  const answers = Buffer.concat(chunks)
    .toString()
    .split(/^.*?\[primary\] \w+> /m)
  return answers.map((answer) => answer.trim().replaceAll(/\s+/g, ' ')).filter((answer) => answer !== '')
}
