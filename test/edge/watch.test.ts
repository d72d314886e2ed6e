import { ObjectId } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { post } from '../contract/credentials.ts'
import { type EdgeUnderTest, type HostKind, startEdgeUnderTest, wireApp } from '../contract/edge-under-test.ts'

describe.each<HostKind>(['node', 'workerd'])('the watch stream on %s', (kind) => {
  let edge: EdgeUnderTest
  let token: string
  let owner: string
  beforeAll(async () => {
    edge = await startEdgeUnderTest(kind)
    const login = await post(`${edge.url}/api/client/v2.0/app/${wireApp}/auth/providers/anon-user/login`, {})
    token = login.body.access_token
    owner = login.body.user_id
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

  /** The ids of the documents that a stream's first events tell of; what else it sent when it ended before. */
  async function firstIds(answer: Response, count: number): Promise<string[]> {
    let text = ''
    const ids: string[] = []
    for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const messages = (text + chunk).split('\n\n')
      text = messages.pop() ?? ''
      for (const message of messages) {
        const [, data] = /^data: (.*)$/m.exec(message) ?? []
        if (message.startsWith('event: error')) return [...ids, message]
        if (data !== undefined && ids.push(JSON.parse(data).documentKey._id.$oid) === count) return ids
      }
    }
    return [...ids, text]
  }

  it.for([
    ['told as they are', 'watched'],
    ['looked up under rules', 'notes'],
  ])('tells of all of many changes that come at once, %s', async ([, collection], test) => {
    test.skip(!edge.changeStreams, 'the server has no change streams')
    const ids = Array.from({ length: 1_400 }, () => new ObjectId())
    const abort = new AbortController()
    const told = firstIds(await open({ collection }, abort.signal), ids.length)
    await edge.client
      ?.db('wire')
      .collection(String(collection))
      .insertMany(ids.map((_id) => ({ _id, owner })))
    expect(await told).toEqual(ids.map((id) => id.toHexString()))
    abort.abort()
  })

  it('serves more streams than it may have connections', async (test) => {
    test.skip(!edge.changeStreams, 'the server has no change streams')
    const ids = Array.from({ length: 6 }, () => new ObjectId())
    const abort = new AbortController()
    const answers = await Promise.all(
      ids.map((id) => open({ collection: 'watched', ids: [{ $oid: id.toHexString() }] }, abort.signal)),
    )
    const told = Promise.all(answers.map((answer) => firstIds(answer, 1)))
    await edge.client
      ?.db('wire')
      .collection('watched')
      .insertMany(ids.map((_id) => ({ _id })))
    expect(await told).toEqual(ids.map((id) => [id.toHexString()]))
    // What needs a connection of the same host while they wait has one: the session is looked up before a refusal.
    expect((await open({ collection: 'watched', ids: 1 })).status).toBe(400)
    abort.abort()
  })
})
