import { Binary, isDoc, type Value } from '../../bson/value.ts'
import type { Invocation } from '../invocation.ts'

/** The ids of `[{ id: <UUID> }, ...]` in hexadecimal; what is none is left out. */
export function sessionIds(value: Value | undefined): string[] {
  const ids: string[] = []
  for (const item of Array.isArray(value) ? value : []) {
    const id = isDoc(item) ? item.get('id') : undefined
    if (id instanceof Binary) ids.push(Buffer.from(id.buffer.subarray(0, id.position)).toString('hex'))
  }
  return ids
}

/** Ends the sessions that a field of the command lists, and their cursors. */
export function endListed(invocation: Invocation, field: string): void {
  const { server, body } = invocation
  for (const id of sessionIds(body.get(field))) {
    server.sessions.end(id)
    server.cursors.killWhere((cursor) => cursor.session === id)
  }
}
