import { MongoClient } from 'mongodb'
import { afterAll, expect, it } from 'vitest'
import { surviveUnhandledRejections } from '../../../../edge/node/unhandled-rejections.ts'
import { startApp, userCaller } from './app.ts'

const client = new MongoClient('mongodb://127.0.0.1:1')
const events = ['unhandledRejection', 'uncaughtException'] as const
const others = events.map((event) => [event, process.listeners(event as 'uncaughtException')] as const)
afterAll(async () => {
  for (const [event, listeners] of others) for (const listener of listeners) process.on(event, listener)
  await client.close()
})

it.each([
  [
    'a promise that a function leaves to reject',
    'exports = () => { (async () => { throw new Error("later") })(); return 1 }',
    'uncaught promise rejection: later',
  ],
  [
    'an error that nobody listens to',
    `exports = () => {
      setTimeout(() => { throw new Error('no listener') }, 5)
      return 1
    }`,
    'uncaught exception: no listener',
  ],
])('%s ends up in the log, and the host lives', async (_, source, error) => {
  // The test runner's own listeners would fail the run for what is expected here.
  for (const event of events) process.removeAllListeners(event)
  const { runtime, log } = startApp(client, { functions: { f: source } })
  const stop = surviveUnhandledRejections((entry) => log.push(entry))
  expect(await runtime.callFunction('f', [], userCaller(), 'client')).toBe(1)
  await expect.poll(() => log.length).toBe(2)
  expect(log[1]).toMatchObject({ type: 'function', status: 'error', error })
  stop()
})
