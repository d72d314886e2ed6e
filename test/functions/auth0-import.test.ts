import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { importUsers } from '../../cli/identity/import-users.ts'
import { openExport } from '../../cli/identity/read-export.ts'
import { reconcileUsers } from '../../cli/identity/reconcile-users.ts'
import { type OpenRuntime, openRuntime } from '../../cli/open-runtime.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/app-folders.ts'
import { loginBody, postLogin } from '../support/auth0-messages.ts'
import { type OwnEdge, startOwnEdge } from '../support/own-edge.ts'
import { runCli } from '../support/run-cli.ts'

let edge: OwnEdge
let files: TemporaryFolder
let open: OpenRuntime
beforeAll(async () => {
  edge = await startOwnEdge()
  files = await temporaryFolder()
  open = await openRuntime({ uri: edge.uri, appDir: edge.folder, secrets: {}, progress: () => {} })
}, 60_000)
afterAll(async () => {
  await open?.close()
  await files?.remove()
  await edge?.close()
})
beforeEach(() => edge.db.collection('users').deleteMany({}))

const rows = () => edge.db.collection('users').find().sort({ auth0_id: 1 }).toArray()

/** What the commands do and report, over an app that is built once. */
async function run(command: 'import' | 'reconcile', content: string | Buffer, flag?: 'dry-run') {
  const file = path.join(files.dir, 'export.json')
  await writeFile(file, content)
  const source = await openExport(file)
  if (command === 'reconcile') return reconcileUsers(open, source, () => {})
  const { totals, resumedFrom } = await importUsers(open, source, flag === 'dry-run', () => {})
  const { lines: _lines, ...report } = totals
  return { ...report, dry_run: flag === 'dry-run', resumed_after_line: resumedFrom }
}

const ada = {
  user_id: 'auth0|ada',
  email: 'ada@acme.example',
  email_verified: true,
  name: 'Ada',
  created_at: '2024-02-01T00:00:00.000Z',
  updated_at: '2026-10-01T00:00:00.000Z',
  last_login: '2026-09-30T00:00:00.000Z',
  identities: [{ provider: 'auth0', user_id: 'ada', connection: 'db', isSocial: false }],
}
const blocked = { user_id: 'sms|1', blocked: true, created_at: '2025-01-01T00:00:00.000Z' }
const lines = `\uFEFF${JSON.stringify(ada)}\r\n{"user_id":\n\n${JSON.stringify(blocked)}\n["x"]\nnull\n{"email":"nobody@acme.example"}`

describe('users import', () => {
  it('tells in a dry run what it would do, does it, and finds nothing to do again', async () => {
    await edge.db.collection('users').insertOne({
      auth0_id: 'auth0|ada',
      role: 'admin',
      is_active: true,
      created_at: new Date('2025-05-05'),
      last_login: new Date('2026-11-01'),
    })
    const before = await rows()
    const invalid = { invalid: 4, invalid_lines: [2, 5, 6, 7] }
    const first = { users: 2, created: 1, changed: 1, ...invalid, resumed_after_line: 0 }
    expect(await run('import', lines, 'dry-run')).toEqual({ ...first, dry_run: true })
    expect(await rows()).toEqual(before)

    expect(await run('import', lines)).toEqual({ ...first, dry_run: false })
    const after = await rows()
    expect(after).toMatchObject([
      {
        auth0_id: 'auth0|ada',
        role: 'admin',
        email: 'ada@acme.example',
        email_verified: true,
        display_name: 'Ada',
        connection: 'db',
        is_active: true,
        created_at: new Date(ada.created_at),
        last_login: new Date('2026-11-01'),
      },
      { auth0_id: 'sms|1', role: 'viewer', is_active: false, created_at: new Date(blocked.created_at) },
    ])

    const nothing = { users: 2, created: 0, changed: 0, ...invalid, resumed_after_line: 0 }
    expect(await run('import', lines, 'dry-run')).toEqual({ ...nothing, dry_run: true })
    expect(await run('import', gzipSync(lines))).toEqual({ ...nothing, dry_run: false })
    expect(await rows()).toEqual(after)
  })

  it('does not undo what a later login told', async () => {
    await postLogin(edge, loginBody({ email: 'new@acme.example', name: 'Ada L' }))
    await run('import', JSON.stringify(ada))
    expect(await rows()).toMatchObject([{ email: 'new@acme.example', display_name: 'Ada L' }])
  })

  it('says what is wrong with the file, and with the command', async () => {
    const damaged = gzipSync(lines.repeat(50)).subarray(0, 120)
    await expect(run('import', damaged)).rejects.toThrow(/is damaged or incomplete; download it again$/)
    const missing = await runCli(['users', 'import', '--auth0-export', '/does/not/exist', '--uri', edge.uri])
    expect(missing).toMatchObject({ code: 2, out: '', err: expect.stringContaining('cannot read') })
    expect(await runCli(['users', 'import'])).toMatchObject({ code: 2, err: '--auth0-export is required\n' })
  })
})

describe('users reconcile', () => {
  it('reports differences both ways without personal data, and none after an import', async () => {
    await edge.db.collection('users').insertMany([
      { auth0_id: 'auth0|ada', role: 'viewer', is_active: true, email: 'old@acme.example' },
      { auth0_id: 'auth0|unknown', role: 'viewer', is_active: true },
      { auth0_id: 'auth0|gone', role: 'viewer', is_active: false, deleted_at: new Date() },
    ])
    expect(await run('reconcile', lines)).toEqual({
      users: 2,
      missing: ['sms|1'],
      unknown: ['auth0|unknown'],
      different: [
        {
          auth0_id: 'auth0|ada',
          fields: ['email', 'email_verified', 'display_name', 'connection', 'created_at', 'last_login'],
        },
      ],
      invalid_lines: [2, 5, 6, 7],
    })
    await run('import', lines)
    expect(await run('reconcile', lines)).toMatchObject({ missing: [], different: [] })
  })
})
