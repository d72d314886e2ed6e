import { spawn } from 'node:child_process'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestDatabase } from '../../support/database.ts'

const root = path.resolve(import.meta.dirname, '../../..')
const app = path.join(root, 'test/fixtures/apps/wire')

interface Outcome {
  code: number | null
  out: string
  err: string
}

describe('the commands for keys and users', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await startTestDatabase()
  })
  afterAll(() => database?.close())

  function run(...args: string[]): Promise<Outcome> {
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

  it('create, list, disable and delete a key', async () => {
    const name = `unit-${process.pid}`
    const created = await run('keys', 'create', '--name', name, '--role', 'analyst')
    const key = JSON.parse(created.out)
    expect(key).toEqual({
      key: expect.stringMatching(/^[A-Za-z0-9]{64}$/),
      id: expect.any(String),
      name,
      role: 'analyst',
    })
    const listed = async () =>
      JSON.parse((await run('keys', 'list')).out).filter((row: { id: string }) => row.id === key.id)
    const prefix = key.key.slice(0, 8)
    const row = { id: key.id, name, role: 'analyst', disabled: false, created_at: expect.any(String), prefix }
    expect(await listed()).toEqual([row])
    expect(await run('keys', 'disable', name)).toMatchObject({ code: 0 })
    expect(await listed()).toEqual([{ ...row, disabled: true }])
    expect(await run('keys', 'delete', key.id)).toMatchObject({ code: 0 })
    expect(await listed()).toEqual([])
  })

  it('scope, rotate and enable a key', async () => {
    const name = `scoped-${process.pid}`
    const options = [
      '--read-only',
      '--collections',
      'notes,wire.users',
      '--expires',
      '2099-01-01',
      '--ip',
      '10.0.0.0/8',
    ]
    const created = JSON.parse((await run('keys', 'create', '--name', name, ...options)).out)
    const scope = {
      read_only: true,
      collections: ['notes', 'wire.users'],
      expires_at: '2099-01-01T00:00:00.000Z',
      cidrs: ['10.0.0.0/8'],
    }
    expect(created).toMatchObject({ role: 'viewer', scope })
    const rotated = JSON.parse((await run('keys', 'rotate', name, '--grace', '24')).out)
    expect(rotated).toEqual({ key: expect.stringMatching(/^[A-Za-z0-9]{64}$/), id: created.id, name })
    await run('keys', 'disable', name)
    expect(JSON.parse((await run('keys', 'enable', name)).out)).toEqual({ id: created.id, name, disabled: false })
    const [row] = JSON.parse((await run('keys', 'list')).out).filter((key: { id: string }) => key.id === created.id)
    expect(row).toMatchObject({ prefix: rotated.key.slice(0, 8), scope, disabled: false })
    await run('keys', 'delete', created.id)
  })

  it('creates a user once', async () => {
    const email = `unit-${process.pid}@example.org`
    const create = () => run('users', 'create', '--email', email, '--password', 'long enough')
    expect(JSON.parse((await create()).out)).toEqual({ id: expect.stringMatching(/^[0-9a-f]{24}$/), email })
    expect(await create()).toEqual({ code: 1, out: '', err: `a user with the email ${email} exists already\n` })
  })

  it.concurrent.each([
    [['keys', 'create'], '--name is required'],
    [['keys', 'create', '--name', 'x', '--role', 'king'], '--role must be one of viewer, analyst, admin'],
    [['keys', 'create', '--name', 'x', '--ip', '10.1'], '--ip: "10.1" is not an address range such as 203.0.113.0/24'],
    [['keys', 'create', '--name', 'x', '--expires', '2020-01-01'], '--expires lies in the past'],
    [
      ['keys', 'create', '--name', 'x', '--expires', '2099-02-31'],
      '--expires is a day (2027-01-01, when it begins in UTC) or an instant with its zone',
    ],
    [
      ['keys', 'create', '--name', 'x', '--collections', 'a,'],
      '--collections is a list with commas, without empty parts',
    ],
    [['keys', 'rotate', 'x', '--grace', '1000'], '--grace is for how many hours the old key stays good, 0 to 720'],
    [['keys', 'delete'], 'say which key: its id or its name'],
    [['users', 'create', '--email', 'a@b.c', '--password', '123'], 'password must be between 6 and 128 characters'],
  ])('%j is a usage error', async (args, message) => {
    expect(await run(...args)).toEqual({ code: 2, out: '', err: `${message}\n` })
  })
})
