import { randomBytes } from 'node:crypto'
import type { Doc } from '../../bson/value.ts'
import { DatabaseError, inContext } from '../../errors.ts'
import type { Transaction } from '../../storage/transaction.ts'
import type { TimeLimit } from './time-limit.ts'

const MAX_BATCH_BYTES = 16 * 1024 * 1024
const IDLE_MS = 10 * 60_000
/** Of a first batch for which the client named no size. */
export const DEFAULT_BATCH = 101

/** Documents on their way to a client. */
export interface DocumentSource {
  /** The next document; `undefined`: none now, and none ever unless the source is `live`. */
  next(): Uint8Array | undefined
  /** More may come later: the cursor stays open when there is nothing. */
  readonly live?: boolean
  /** Whether a `getMore` waits for data. */
  readonly awaitData?: boolean
  /** Resolves when something may have come, or `signal` aborts. */
  wait?(signal: AbortSignal): Promise<void>
  /** The end of a live source has come (invalidate). */
  readonly finished?: boolean
  /** Further fields of the reply's `cursor`. */
  fields?(): Doc
  close?(): void
}

export interface Cursor {
  readonly id: bigint
  readonly namespace: string
  readonly source: DocumentSource
  readonly session: string | undefined
  readonly transaction: Transaction | undefined
  readonly noTimeout: boolean
  readonly timeLimit: TimeLimit | undefined
  lastUse: number
  /** Aborts a waiting `getMore`. */
  readonly killed: AbortController
  /** A `getMore` is running. */
  busy: boolean
  /** A document that did not fit into the last batch. */
  held: Uint8Array | undefined
}

export function sourceOf(documents: Iterable<Uint8Array>): DocumentSource {
  const iterator = documents[Symbol.iterator]()
  return {
    next() {
      const { done, value } = iterator.next()
      return done ? undefined : value
    },
    close: () => void iterator.return?.(),
  }
}

/** The open cursors of this server. */
export class Cursors {
  readonly #cursors = new Map<bigint, Cursor>()

  /** Takes a batch from a new source and keeps a cursor when more may follow. */
  open(
    source: DocumentSource,
    options: {
      namespace: string
      batchSize: number | undefined
      singleBatch?: boolean
      session?: string | undefined
      transaction?: Transaction | undefined
      noTimeout?: boolean
      timeLimit?: TimeLimit | undefined
      now: number
      /** What an error of the first batch is said to be the cause of. */
      context?: string
    },
  ): { documents: Uint8Array[]; id: bigint; cursor: Cursor | undefined } {
    const documents: Uint8Array[] = []
    const held = inContext(options.context, () =>
      fill(documents, source, undefined, options.batchSize ?? DEFAULT_BATCH),
    )
    const exhausted = held === DONE && !source.live
    if (exhausted || options.singleBatch || source.finished) {
      source.close?.()
      return { documents, id: 0n, cursor: undefined }
    }
    if (source.awaitData) options.timeLimit?.lift()
    else options.timeLimit?.pause()
    const cursor: Cursor = {
      id: newCursorId(),
      namespace: options.namespace,
      source,
      session: options.session,
      transaction: options.transaction,
      noTimeout: options.noTimeout ?? false,
      timeLimit: options.timeLimit,
      lastUse: options.now,
      killed: new AbortController(),
      busy: false,
      held: held === DONE ? undefined : held,
    }
    this.#cursors.set(cursor.id, cursor)
    return { documents, id: cursor.id, cursor }
  }

  /** @throws {DatabaseError} 43 CursorNotFound */
  get(id: bigint): Cursor {
    const cursor = this.#cursors.get(id)
    if (!cursor) throw new DatabaseError(43, `cursor id ${id} not found`)
    return cursor
  }

  /** The next batch; closes the cursor when its source has ended. */
  more(cursor: Cursor, batchSize: number | undefined): { documents: Uint8Array[]; open: boolean } {
    const documents: Uint8Array[] = []
    const limit = batchSize === undefined || batchSize === 0 ? Number.POSITIVE_INFINITY : batchSize
    cursor.timeLimit?.resume()
    const held = inContext('Executor error during getMore', () => fill(documents, cursor.source, cursor.held, limit))
    cursor.timeLimit?.pause()
    cursor.held = held === DONE ? undefined : held
    const open = !(cursor.source.finished || (held === DONE && !cursor.source.live))
    if (!open) this.kill(cursor.id)
    return { documents, open }
  }

  kill(id: bigint): boolean {
    const cursor = this.#cursors.get(id)
    if (!cursor) return false
    this.#cursors.delete(id)
    cursor.killed.abort()
    cursor.source.close?.()
    return true
  }

  killWhere(matches: (cursor: Cursor) => boolean): void {
    for (const cursor of [...this.#cursors.values()]) if (matches(cursor)) this.kill(cursor.id)
  }

  expire(now: number): void {
    this.killWhere((cursor) => !cursor.busy && !cursor.noTimeout && now - cursor.lastUse > IDLE_MS)
  }

  get size(): number {
    return this.#cursors.size
  }

  [Symbol.iterator](): Iterator<Cursor> {
    return this.#cursors.values()
  }
}

const DONE = Symbol('no document now')

/** Fills a batch. @returns a document that did not fit, or that more may follow, or DONE */
function fill(
  documents: Uint8Array[],
  source: DocumentSource,
  held: Uint8Array | undefined,
  limit: number,
): Uint8Array | undefined | typeof DONE {
  let bytes = 0
  let document = held
  while (documents.length < limit) {
    document ??= source.next()
    if (document === undefined) return DONE
    if (documents.length > 0 && bytes + document.length > MAX_BATCH_BYTES) return document
    documents.push(document)
    bytes += document.length + 10
    document = undefined
  }
  return document
}

function newCursorId(): bigint {
  // Positive and never 0; JavaScript clients may read it as a double.
  return (randomBytes(8).readBigUInt64LE() & 0x1fffffffffffffn) | 1n
}
