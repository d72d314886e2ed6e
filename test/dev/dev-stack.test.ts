import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = path.resolve(import.meta.dirname, '../..')
const chromiumPath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const run = promisify(execFile)

interface Stored {
  _id: string
  [field: string]: unknown
}

interface ActionAnswer {
  document: Stored
  documents: Stored[]
}

interface Snapshot {
  metrics: { mrr: number }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}

async function until<T>(what: string, probe: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 600; tries++) {
    const found = await probe().catch(() => undefined)
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${what} never came`)
}

/** `npm run dev` as a stranger starts it, on ports of its own. */
describe('npm run dev', () => {
  let stack: ChildProcess
  let output = ''
  let port = 0
  let databasePort = 0
  let key = ''
  const today = new Date(Math.floor(Date.now() / 86_400_000) * 86_400_000).toISOString()

  beforeAll(async () => {
    port = await freePort()
    databasePort = await freePort()
    stack = spawn(process.execPath, ['cli/main.ts', 'dev', '--port', String(port), '--db-port', String(databasePort)], {
      cwd: root,
      env: { ...process.env, MONGODB_URI: '', PORT: '' },
    })
    stack.stdout?.on('data', (chunk) => (output += chunk))
    stack.stderr?.on('data', (chunk) => (output += chunk))
    await until('the last line', async () => (output.includes('Ctrl-C ends everything') ? true : undefined))
    key = /demo key\s+(\S+)/.exec(output)?.[1] ?? ''
  })

  afterAll(() => {
    stack.kill('SIGKILL')
  })

  async function action(name: string, body: Record<string, unknown>): Promise<ActionAnswer> {
    const response = await fetch(`http://127.0.0.1:${port}/app/bi-dashboard-local/endpoint/data/v1/action/${name}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/ejson', Accept: 'application/json', 'api-key': key },
      body: JSON.stringify({ dataSource: 'Cluster0', database: 'bi_dashboard', ...body }),
    })
    expect(response.status, await response.clone().text()).toBeLessThan(300)
    return (await response.json()) as ActionAnswer
  }

  async function cli(...args: string[]): Promise<Snapshot> {
    const { stdout } = await run(
      process.execPath,
      ['cli/main.ts', ...args, '--json', '--uri', `mongodb://127.0.0.1:${databasePort}`],
      { cwd: root, env: { ...process.env, MONGODB_URI: '' } },
    )
    return JSON.parse(stdout) as Snapshot
  }

  it('prints a curl that answers the newest snapshot when pasted', async () => {
    const command = output.split('\n').find((line) => line.startsWith('curl ')) ?? ''
    const { stdout } = await run('sh', ['-c', command])
    const { document } = JSON.parse(stdout)
    expect(document.snapshot_date).toBe(today)
    expect(document.metrics).toMatchObject({
      total_users: 620,
      mau: 358,
      dau: 130,
      mrr: 3950,
      churn_rate: 4.44,
      nps: 42,
    })
  })

  it('is ready, with nothing missing', async () => {
    const ready = await (await fetch(`http://127.0.0.1:${port}/ready`)).json()
    expect(ready).toEqual({ status: 'ready', reasons: [] })
  })

  it('carries a changed subscription through the trigger into the next snapshot', async () => {
    const found = await action('findOne', { collection: 'subscriptions', filter: { status: 'active', plan: 'pro' } })
    const subscription = found.document
    const effective = new Date(Date.now() - 1000).toISOString()
    await action('updateOne', {
      collection: 'subscriptions',
      filter: { _id: { $oid: subscription._id } },
      update: {
        $set: { plan: 'enterprise', mrr: 199, amount: 199, billing_cycle: 'monthly', updated_at: { $date: effective } },
      },
    })
    const event = await until('the event', async () => {
      const { documents } = await action('find', {
        collection: 'subscription_events',
        filter: { subscription_id: { $oid: subscription._id }, plan: 'enterprise' },
      })
      return documents[0]
    })
    expect(event).toMatchObject({ plan: 'enterprise', status: 'active', amount: 199 })
    const tomorrow = new Date(Date.parse(today) + 86_400_000).toISOString().slice(0, 10)
    const before = await cli('kpi', 'compute', '--as-of', today.slice(0, 10), '--dry-run')
    const after = await cli('kpi', 'compute', '--as-of', tomorrow, '--dry-run')
    expect(after.metrics.mrr - before.metrics.mrr).toBeCloseTo(199 - 49, 10)
  })

  it.skipIf(!existsSync(chromiumPath))('shows the snapshot on the dashboard (needs Debian chromium)', async () => {
    const url = /dashboard\s+(\S+)/.exec(output)?.[1] ?? ''
    const browser = await chromium.launch({
      executablePath: chromiumPath,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
    })
    try {
      const page = await browser.newPage()
      await page.goto(url)
      await page.waitForSelector('body[data-state]')
      expect(await page.getAttribute('body', 'data-state')).toBe('ready')
      expect(await page.textContent('[data-metric=mrr]')).toBe('$3,950.00')
      expect(await page.locator('canvas').count()).toBe(4)
    } finally {
      await browser.close()
    }
  })

  it('refuses a taken port in one line', async () => {
    const failed = run(process.execPath, ['cli/main.ts', 'dev', '--port', String(port)], { cwd: root }).catch(
      (error) => error,
    )
    expect(await failed).toMatchObject({
      code: 1,
      stderr: `port ${port} is taken; end what listens there or choose another with --port\n`,
    })
  })

  it('ends everything within seconds when told to', async () => {
    const exited = new Promise<number | null>((resolve) => stack.once('exit', (code) => resolve(code)))
    stack.kill('SIGTERM')
    expect(await exited).toBe(0)
    await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow()
  })
})

describe('npm run dev, called wrongly,', () => {
  const cases: [name: string, args: string[], code: number, says: RegExp][] = [
    ['a folder that is no app', ['--app', 'docs-that-do-not-exist'], 1, /^.*does not exist.*\n$/],
    [
      'a server that does not answer',
      ['--uri', 'mongodb://127.0.0.1:1'],
      1,
      /^no MongoDB server answers at 127\.0\.0\.1:1.*\n$/,
    ],
    ['a uri that is none', ['--uri', 'postgres://x'], 2, /^--uri must look like mongodb:.*\n$/],
    ['an unknown option', ['--colour'], 2, /^Unknown option '--colour'\n$/],
    ['a port that is none', ['--port', 'x'], 2, /^--port must be a port number.*\n$/],
  ]
  it.each(cases)('with %s says what to do in one line', async (_name, args, code, says) => {
    const port = await freePort()
    const ports = args.includes('--port') ? [] : ['--port', String(port)]
    const failed = run(
      process.execPath,
      ['cli/main.ts', 'dev', ...ports, '--db-port', String(await freePort()), ...args],
      {
        cwd: root,
        env: { ...process.env, MONGODB_URI: '', PORT: '' },
      },
    ).catch((error) => error)
    const { stderr, code: got } = await failed
    expect({ got, says: says.test(stderr) ? 'as expected' : stderr }).toEqual({ got: code, says: 'as expected' })
  })
})
