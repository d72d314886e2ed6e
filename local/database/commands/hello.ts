import { type Doc, int, isDoc, ObjectId, type Value } from '../bson/value.ts'
import { toTimestamp } from '../storage/clock.ts'
import type { Command } from './command.ts'
import { rememberAppName } from './dispatch.ts'
import type { Invocation } from './invocation.ts'
import { type Reply, reply } from './support/reply.ts'

/** Announced to clients: the wire version of MongoDB 8.0. */
export const MAX_WIRE_VERSION = 25
export const SET_NAME = 'rs0'

function answer(invocation: Invocation): Reply {
  const { server, peer, name } = invocation
  const me = peer.localAddress
  const time = toTimestamp(server.store.clock.last)
  const modern = name === 'hello'
  return reply({
    ...(modern || invocation.body.get('helloOk') !== true ? {} : { helloOk: true }),
    topologyVersion: server.topologyVersion(),
    hosts: [me],
    setName: SET_NAME,
    setVersion: int(1),
    [modern ? 'isWritablePrimary' : 'ismaster']: true,
    secondary: false,
    primary: me,
    me,
    electionId: ELECTION_ID,
    lastWrite: new Map<string, Value>([
      [
        'opTime',
        new Map<string, Value>([
          ['ts', time],
          ['t', 1n],
        ]),
      ],
      ['lastWriteDate', new Date(time.t * 1000)],
      [
        'majorityOpTime',
        new Map<string, Value>([
          ['ts', time],
          ['t', 1n],
        ]),
      ],
      ['majorityWriteDate', new Date(time.t * 1000)],
    ]),
    maxBsonObjectSize: int(16 * 1024 * 1024),
    maxMessageSizeBytes: int(48_000_000),
    maxWriteBatchSize: int(100_000),
    localTime: server.now(),
    logicalSessionTimeoutMinutes: int(30),
    connectionId: int(peer.id),
    minWireVersion: int(0),
    maxWireVersion: int(MAX_WIRE_VERSION),
    readOnly: false,
  })
}

const ELECTION_ID = new ObjectId('7fffffff0000000000000001')

async function answerLater(invocation: Invocation, milliseconds: number): Promise<Reply> {
  const { closed } = invocation.peer
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, milliseconds)
    function done(): void {
      clearTimeout(timer)
      closed.removeEventListener('abort', done)
      resolve()
    }
    if (closed.aborted) done()
    else closed.addEventListener('abort', done)
  })
  return answer(invocation)
}

/** Says what this server is; with `topologyVersion` and `maxAwaitTimeMS` it answers when something changes, or in time. */
export const hello: Command = {
  name: 'hello',
  stable: true,
  run(invocation) {
    const { fields, server } = invocation
    const client = fields.raw('client')
    if (isDoc(client)) rememberAppName(invocation.peer, client)
    const known = fields.document('topologyVersion')
    const wait = fields.integer('maxAwaitTimeMS')
    if (!known || wait === undefined || !isCurrent(known, server.processId)) return answer(invocation)
    return answerLater(invocation, wait)
  },
}

function isCurrent(topologyVersion: Doc, processId: ObjectId): boolean {
  const id = topologyVersion.get('processId')
  return id instanceof ObjectId && processId.equals(id)
}
