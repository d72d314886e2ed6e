import { DatabaseError } from '../errors.ts'
import type { Command } from './command.ts'
import type { Invocation } from './invocation.ts'
import type { Cursor } from './support/cursors.ts'
import type { Reply } from './support/reply.ts'

/** What a waiting `getMore` waits when the client names no time. */
const DEFAULT_AWAIT_MS = 1000

/** The next documents of an open cursor; of a live one it waits for some. */
export const getMore: Command = {
  name: 'getMore',
  fields: ['collection', 'batchSize', 'term', 'lastKnownCommittedOpTime'],
  inTransaction: true,
  stable: true,
  run(invocation): Reply | Promise<Reply> {
    const { server, fields, db } = invocation
    server.counters.getmore++
    const id = fields.bigint('getMore')
    if (id === undefined) throw new DatabaseError(40414, "BSON field 'getMore.getMore' is missing but a required field")
    const collection = fields.requiredString('collection')
    const cursor = server.cursors.get(id)
    if (cursor.namespace !== `${db}.${collection}`) {
      throw new DatabaseError(
        13,
        `Requested getMore on namespace '${db}.${collection}', but cursor belongs to a different namespace ${cursor.namespace}`,
      )
    }
    if (cursor.transaction && cursor.transaction !== invocation.transaction) {
      throw new DatabaseError(
        50740,
        `Cannot run getMore on cursor ${id}, which was created in a transaction, outside of it`,
      )
    }
    const strike = server.failPoints.strike('failGetMoreAfterCursorCheckout')
    if (strike) {
      if (strike.get('closeConnection') === true) invocation.cutConnection()
      const error = new DatabaseError(
        Number(strike.get('errorCode')?.valueOf() ?? 1),
        "Hit the 'failGetMoreAfterCursorCheckout' failpoint",
      )
      if (cursor.source.fields) error.labels = ['ResumableChangeStreamError']
      throw error
    }
    if (!cursor.source.awaitData && fields.integer('maxTimeMS')) {
      throw new DatabaseError(2, 'cannot set maxTimeMS on getMore command for a non-awaitData cursor')
    }
    cursor.lastUse = server.now().getTime()
    const first = batchOf(invocation, cursor)
    if (first.documents > 0 || !first.open || !cursor.source.awaitData) return first.reply
    return awaitBatch(invocation, cursor, first.reply)
  },
}

interface Taken {
  readonly reply: Reply
  readonly documents: number
  readonly open: boolean
}

function batchOf(invocation: Invocation, cursor: Cursor): Taken {
  let taken: { documents: Uint8Array[]; open: boolean }
  try {
    taken = invocation.server.cursors.more(cursor, invocation.fields.integer('batchSize'))
  } catch (error) {
    invocation.server.cursors.kill(cursor.id)
    throw error
  }
  const more = cursor.source.fields?.()
  return {
    documents: taken.documents.length,
    open: taken.open,
    reply: {
      fields: new Map(),
      batch: {
        field: 'nextBatch',
        documents: taken.documents,
        cursorId: taken.open ? cursor.id : 0n,
        namespace: cursor.namespace,
        ...(more ? { more } : {}),
      },
    },
  }
}

async function awaitBatch(invocation: Invocation, cursor: Cursor, empty: Reply): Promise<Reply> {
  const milliseconds = invocation.fields.integer('maxTimeMS') ?? DEFAULT_AWAIT_MS
  const stop = new AbortController()
  const abort = (): void => stop.abort()
  const timer = setTimeout(abort, milliseconds)
  invocation.peer.closed.addEventListener('abort', abort)
  cursor.killed.signal.addEventListener('abort', abort)
  cursor.busy = true
  try {
    let last = empty
    while (!stop.signal.aborted) {
      await cursor.source.wait?.(stop.signal)
      if (cursor.killed.signal.aborted) throw new DatabaseError(237, `cursor ${cursor.id} was killed`)
      const taken = batchOf(invocation, cursor)
      if (taken.documents > 0 || !taken.open) return taken.reply
      last = taken.reply
    }
    return last
  } finally {
    cursor.busy = false
    clearTimeout(timer)
    invocation.peer.closed.removeEventListener('abort', abort)
    cursor.killed.signal.removeEventListener('abort', abort)
  }
}
