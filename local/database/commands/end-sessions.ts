import { Binary, isDoc, type Value } from '../bson/value.ts'
import type { Command } from './command.ts'
import type { Invocation } from './invocation.ts'
import { OK } from './support/reply.ts'

function sessionIds(value: Value | undefined): string[] {
  const ids: string[] = []
  for (const item of Array.isArray(value) ? value : []) {
    const id = isDoc(item) ? item.get('id') : undefined
    if (id instanceof Binary) ids.push(Buffer.from(id.buffer.subarray(0, id.position)).toString('hex'))
  }
  return ids
}

function end(invocation: Invocation, field: string): void {
  const { server, body } = invocation
  for (const id of sessionIds(body.get(field))) {
    server.sessions.end(id)
    server.cursors.killWhere((cursor) => cursor.session === id)
  }
}

/** Forgets sessions that a client no longer uses. */
export const endSessions: Command = {
  name: 'endSessions',
  fields: [],
  stable: true,
  run(invocation) {
    end(invocation, 'endSessions')
    return OK
  },
}

/** Ends sessions with what runs in them. */
export const killSessions: Command = {
  name: 'killSessions',
  fields: [],
  run(invocation) {
    end(invocation, 'killSessions')
    return OK
  },
}

/** Aborts every transaction and closes every session's cursors. */
export const killAllSessions: Command = {
  name: 'killAllSessions',
  aliases: ['killAllSessionsByPattern'],
  run({ server }) {
    server.sessions.abortAll()
    server.cursors.killWhere((cursor) => cursor.session !== undefined)
    return OK
  },
}

export const startSession: Command = {
  name: 'startSession',
  fields: [],
  run({ server }) {
    const id = new Binary(Buffer.from(crypto.randomUUID().replaceAll('-', ''), 'hex'), Binary.SUBTYPE_UUID)
    server.sessions.use(Buffer.from(id.buffer).toString('hex'))
    return {
      fields: new Map<string, Value>([
        ['id', new Map([['id', id]])],
        ['timeoutMinutes', 30],
      ]),
    }
  },
}

export const refreshSessions: Command = {
  name: 'refreshSessions',
  fields: [],
  stable: true,
  run({ server, body }) {
    for (const id of sessionIds(body.get('refreshSessions'))) server.sessions.use(id)
    return OK
  },
}
