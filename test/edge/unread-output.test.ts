import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from 'vitest'

const moduleAt = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)

/** A host that logs, and tells its parent how many errors nobody caught. */
const host = `
const { surviveUnhandledRejections } = await import(${moduleAt('../../edge/node/unhandled-rejections.ts')})
const { logLine } = await import(${moduleAt('../../edge/node/log-line.ts')})
let uncaught = 0
process.on('uncaughtException', () => uncaught++)
surviveUnhandledRejections(logLine)
process.on('message', () => {
  logLine({ type: 'function', status: 'ok' })
  process.stdout.write('ready')
  setTimeout(() => process.send(uncaught, () => process.exit()), 300)
})
process.send('started')
`

it('a host whose output nobody reads any more serves on, and does not log that without end', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', host], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  try {
    await once(child, 'message')
    child.stdout?.destroy()
    child.stderr?.destroy()
    child.send('log')
    expect(await once(child, 'message')).toEqual([0, undefined])
  } finally {
    child.kill()
  }
})
