import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type TemporaryFolder, temporaryFolder } from '../support/app-folders.ts'
import { type OwnEdge, startOwnEdge } from '../support/own-edge.ts'
import { runCli } from '../support/run-cli.ts'

const people = 100_000
let edge: OwnEdge
let files: TemporaryFolder
beforeAll(async () => {
  edge = await startOwnEdge()
  files = await temporaryFolder()
}, 60_000)
afterAll(async () => {
  await files?.remove()
  await edge?.close()
})

function exportedUser(index: number): string {
  const created_at = new Date(Date.UTC(2023, 0, 1) + index * 60_000).toISOString()
  return JSON.stringify({
    user_id: `auth0|${index.toString(16).padStart(24, '0')}`,
    email: `user${index}@acme.example`,
    email_verified: index % 3 !== 0,
    name: `User ${index}`,
    created_at,
    updated_at: created_at,
    ...(index % 4 === 0 ? {} : { last_login: created_at }),
    blocked: index % 100 === 0,
  })
}

it('a hundred thousand users are imported through three kills, and a second run changes nothing', async () => {
  const file = path.join(files.dir, 'users.json.gz')
  const text = Array.from({ length: people }, (_, index) => exportedUser(index)).join('\n')
  await writeFile(file, gzipSync(text))
  const args = ['users', 'import', '--auth0-export', file, '--app', edge.folder, '--uri', edge.uri, '--json']
  for (const kills of [1, 2, 3]) {
    const killed = await runCli(args, (progress, child) => {
      if (progress.split('\nline ').length > 8 * kills) child.kill('SIGKILL')
    })
    expect(killed).toMatchObject({ signal: 'SIGKILL', out: '' })
  }
  const finished = await runCli(args)
  expect(finished.code).toBe(0)
  const report = JSON.parse(finished.out)
  expect(report).toMatchObject({ users: people, invalid: 0, dry_run: false })
  expect(report.resumed_after_line).toBeGreaterThan(20_000)
  const users = edge.db.collection('users')
  expect(await users.countDocuments()).toBe(people)
  expect(await users.countDocuments({ is_active: false })).toBe(people / 100)

  const latest = async () => users.find().sort({ updated_at: -1 }).limit(1).next()
  const before = await latest()
  const again = await runCli(args)
  expect(JSON.parse(again.out)).toEqual({
    users: people,
    created: 0,
    changed: 0,
    invalid: 0,
    invalid_lines: [],
    dry_run: false,
    resumed_after_line: 0,
  })
  expect(await latest()).toEqual(before)
  const compared = await runCli(args.map((argument) => (argument === 'import' ? 'reconcile' : argument)))
  expect(JSON.parse(compared.out)).toEqual({
    users: people,
    missing: [],
    unknown: [],
    different: [],
    invalid_lines: [],
  })
})
