import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { post } from '../contract/credentials.ts'
import { type EdgeUnderTest, type HostKind, startEdgeUnderTest, wireApp } from '../contract/edge-under-test.ts'

describe.each<HostKind>(['node', 'workerd'])('the watch stream on %s', (kind) => {
  let edge: EdgeUnderTest
  let token: string
  beforeAll(async () => {
    edge = await startEdgeUnderTest(kind)
    const login = await post(`${edge.url}/api/client/v2.0/app/${wireApp}/auth/providers/anon-user/login`, {})
    token = login.body.access_token
  })
  afterAll(() => edge?.close())

  function open(args: object, signal?: AbortSignal, name = 'watch'): Promise<Response> {
    const call = { name, service: 'mongodb-atlas', arguments: [{ database: 'wire', ...args }] }
    const query = encodeURIComponent(btoa(JSON.stringify(call)))
    const url = `${edge.url}/api/client/v2.0/app/${wireApp}/functions/call?baas_request=${query}`
    const headers = { Authorization: `Bearer ${token}`, Accept: 'text/event-stream' }
    return fetch(url, { headers, ...(signal && { signal }) })
  }

  const openCursors = async () => {
    const status = await edge.client?.db('admin').command({ serverStatus: 1 })
    return Number(status?.metrics?.cursor?.open?.total)
  }

  it('is refused in the documented form where the server has none', async (test) => {
    test.skip(edge.changeStreams, 'the server has change streams')
    const answer = await open({ collection: 'watched' })
    expect([answer.status, await answer.json()]).toEqual([
      400,
      { error: expect.any(String), error_code: 'MongoDBError', link: expect.any(String) },
    ])
  })

  it.each([
    ['a command that is no stream', { collection: 'watched' }, 'find', 400, 'ServiceCommandNotFound'],
    ['no collection', {}, 'watch', 400, 'BadRequest'],
    ['ids that are no list', { collection: 'watched', ids: 1 }, 'watch', 400, 'BadRequest'],
    [
      'a filter on what rules may hide',
      { collection: 'notes', filter: { 'updateDescription.updatedFields.n': 1 } },
      'watch',
      400,
      'BadRequest',
    ],
  ])('refuses %s', async (_, args, name, status, code) => {
    const answer = await open(args, undefined, name)
    expect([answer.status, ((await answer.json()) as { error_code: string }).error_code]).toEqual([status, code])
  })

  it('frees the change stream when the client goes', async (test) => {
    test.skip(!edge.changeStreams, 'the server has no change streams')
    const before = await openCursors()
    const abort = new AbortController()
    const answer = await open({ collection: 'watched' }, abort.signal)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
    expect(await openCursors()).toBe(before + 1)
    abort.abort()
    const write = async () => {
      // A write is what shows workerd that nobody reads any more.
      await edge.client?.db('wire').collection<{ at: number }>('watched').insertOne({ at: Date.now() })
      return openCursors()
    }
    await expect.poll(write, { timeout: 10_000, interval: 200 }).toBe(before)
  })
})
