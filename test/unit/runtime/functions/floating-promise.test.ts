import { MongoClient } from 'mongodb'
import { afterAll, expect, it } from 'vitest'
import { surviveUnhandledRejections } from '../../../../edge/node/unhandled-rejections.ts'
import { startApp, userCaller } from './app.ts'

const client = new MongoClient('mongodb://127.0.0.1:1')
const others = process.listeners('unhandledRejection')
afterAll(async () => {
  for (const listener of others) process.on('unhandledRejection', listener)
  await client.close()
})

it('a promise that a function leaves to reject ends up in the log, and the host lives', async () => {
  // The test runner's own listener would fail the run for what is expected here.
  process.removeAllListeners('unhandledRejection')
  const { runtime, log } = startApp(client, {
    functions: { f: 'exports = () => { (async () => { throw new Error("later") })(); return 1 }' },
  })
  const stop = surviveUnhandledRejections((entry) => log.push(entry))
  expect(await runtime.callFunction('f', [], userCaller(), 'client')).toBe(1)
  await expect.poll(() => log.length).toBe(2)
  expect(log[1]).toMatchObject({ type: 'function', status: 'error', error: 'uncaught promise rejection: later' })
  stop()
})
