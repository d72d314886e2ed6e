import type { Doc } from '../../bson/value.ts'
import { compileFilter } from '../../engine/match/filter.ts'
import { DatabaseError } from '../../errors.ts'
import type { Collection } from '../../storage/collection.ts'
import type { Invocation } from '../invocation.ts'
import type { DocumentSource } from './cursors.ts'
import { type FindOptions, project } from './reading.ts'

/** Reads a capped collection in natural order and goes on with what is inserted later. */
export function tailableSource(
  invocation: Invocation,
  collection: Collection,
  options: FindOptions,
  projection: ((document: Doc) => Doc) | undefined,
  awaitData: boolean,
): DocumentSource {
  const { log } = invocation.server.store
  const matches = compileFilter(options.filter, invocation.env(options))
  let last = 0
  function* fresh(): Generator<Uint8Array> {
    for (const record of collection.records.values()) {
      if (record.id <= last) continue
      last = record.id
      const document = record.decode()
      if (matches(document)) yield* project([{ record, document }], projection, options.showRecordId ?? false)
    }
  }
  let iterator = fresh()
  return {
    live: true,
    awaitData,
    next() {
      if (collection.dropped) throw new DatabaseError(175, 'cursor killed: collection dropped')
      const first = iterator.next()
      if (!first.done) return first.value
      iterator = fresh()
      const again = iterator.next()
      return again.done ? undefined : again.value
    },
    wait: (signal) => waitForChange(log, signal),
  }
}

/** Resolves at the next change, or when `signal` aborts. */
export function waitForChange(log: { onNext(wake: () => void): () => void }, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const takeBack = log.onNext(done)
    function done(): void {
      takeBack()
      signal.removeEventListener('abort', done)
      resolve()
    }
    if (signal.aborted) done()
    else signal.addEventListener('abort', done)
  })
}
