import { isDoc } from '../../bson/value.ts'
import type { Invocation } from '../invocation.ts'
import { sourceOf } from './cursors.ts'
import type { Reply } from './reply.ts'

/** The first batch of a listing, with a cursor when the client asked for small batches. */
export function cursorReply(invocation: Invocation, namespace: string, documents: Iterable<Uint8Array>): Reply {
  const { server, fields } = invocation
  const cursor = fields.document('cursor')
  const size = isDoc(cursor) ? cursor.get('batchSize') : undefined
  const opened = server.cursors.open(sourceOf(documents), {
    namespace,
    batchSize: size === undefined || size === null ? Number.POSITIVE_INFINITY : Number(size.valueOf()),
    session: invocation.session?.id,
    transaction: invocation.transaction,
    now: server.now().getTime(),
  })
  return {
    fields: new Map(),
    batch: { field: 'firstBatch', documents: opened.documents, cursorId: opened.id, namespace },
  }
}
