import { MongoClient } from 'mongodb'
import { afterAll, expect, it } from 'vitest'
import { createPublicFetch } from '../../../../edge/node/public-fetch.ts'
import { startApp, userCaller } from './app.ts'

const client = new MongoClient('mongodb://127.0.0.1:1')
afterAll(() => client.close())

const addresses: Record<string, string[]> = {
  'public.example': ['93.184.216.34', '2606:2800:220:1::1'],
  'rebound.example': ['93.184.216.34', '127.0.0.1'],
  'mapped.example': ['::ffff:10.0.0.1'],
  'link-local.example': ['fe80::1%eth0'],
}

const lookup = (name: string) => Promise.resolve((addresses[name] ?? []).map((address) => ({ address })))
const send: typeof fetch = () => Promise.resolve(new Response('reached'))

const ask = (url: string) => {
  const { runtime } = startApp(client, {
    functions: { f: `exports = async () => (await context.http.get({ url: '${url}' })).body.text()` },
    options: { fetch: createPublicFetch(send, lookup) },
  })
  return runtime.callFunction('f', [], userCaller(), 'client').catch((error: Error) => error.message)
}

it('functions reach public names', async () => {
  expect(await ask('https://public.example/')).toBe('reached')
})

it.each(['rebound.example', 'mapped.example', 'link-local.example'])(
  'functions do not reach %s, whose address is private',
  async (name) => {
    expect(await ask(`https://${name}/`)).toBe(`context.http: requests to "${name}" are not allowed`)
  },
)
