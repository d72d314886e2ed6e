import { type Document, EJSON, type Timestamp } from 'bson'
import type { ChangeStream, Collection, MongoClient, ResumeToken } from 'mongodb'
import { toDatabaseError } from '../data/database-error.ts'
import { AppError } from '../errors.ts'
import { sleep } from '../sleep.ts'
import { type AwaitTurns, awaitTurnsOf, openingAwaitMs } from './await-turns.ts'
import { nextOf } from './next-of.ts'
import { outlast } from './outlast.ts'

/** Events that wait for a subscriber who is slower than the stream. */
const maxWaiting = 1_000
/** How long a stream, and with it its other subscribers, waits for one who has as many waiting. */
const patienceMs = 10_000

/** One reader of a stream that others may read too. */
export interface Subscription {
  /** The next event; undefined after the stream has ended. @throws {AppError} when the database refuses to go on */
  next(): Promise<Document | undefined>
  /** Resolves when the stream is freed, if nobody else reads it. */
  close(): Promise<void>
}

const streamsByClient = new WeakMap<MongoClient, Map<string, SharedStream>>()

/**
 * Subscribes to the changes of a collection from now on. All who ask for the same share one change stream: a server has
 * few of them to give, and each holds a connection while it waits.
 *
 * @throws {AppError} `MongoDBError` where the server refuses, such as one without change streams; 503 when it is away
 */
export async function subscribe(
  client: MongoClient,
  collection: Collection,
  pipeline: readonly Document[],
): Promise<Subscription> {
  const streams = streamsByClient.get(client) ?? new Map<string, SharedStream>()
  streamsByClient.set(client, streams)
  const key = EJSON.stringify([collection.namespace, pipeline], { relaxed: false })
  const known = streams.get(key)
  if (known !== undefined) return known.join(() => operationTimeOf(client, collection))
  const stream = new SharedStream(collection, pipeline, awaitTurnsOf(client), () => {
    if (streams.get(key) === stream) streams.delete(key)
  })
  streams.set(key, stream)
  return stream.join(async () => undefined)
}

async function operationTimeOf(client: MongoClient, collection: Collection): Promise<Timestamp | undefined> {
  return (await client.db(collection.dbName).command({ ping: 1 })).operationTime
}

/** One change stream, kept over outages, and those who read it. */
class SharedStream {
  readonly #collection: Collection
  readonly #pipeline: readonly Document[]
  readonly #turns: AwaitTurns
  readonly #onEnd: () => void
  readonly #readers = new Set<Reader>()
  readonly #closing = new AbortController()
  readonly #opened: Promise<void>
  #done: Promise<void> = Promise.resolve()
  #token: ResumeToken | undefined

  constructor(collection: Collection, pipeline: readonly Document[], turns: AwaitTurns, onEnd: () => void) {
    this.#collection = collection
    this.#pipeline = pipeline
    this.#turns = turns
    this.#onEnd = onEnd
    this.#opened = this.#start()
  }

  /** @param since tells the time of the last change that is not of interest to who joins now */
  async join(since: () => Promise<Timestamp | undefined>): Promise<Subscription> {
    const reader = new Reader()
    const close = async () => {
      reader.end()
      this.#readers.delete(reader)
      if (this.#readers.size > 0) return
      this.#end()
      await this.#done
    }
    // It listens before it knows what to ignore, so that nothing is missed in between.
    this.#readers.add(reader)
    try {
      await this.#opened
      reader.ignoreUpTo(await since())
    } catch (error) {
      await close()
      throw toDatabaseError(error)
    }
    return { next: () => reader.next(), close }
  }

  /** Waiting for the server's first answer makes sure that what changes from then on is seen, or that it refuses. */
  async #start(): Promise<void> {
    const stream = this.#open()
    try {
      await this.#deliver(await nextOf(stream))
    } catch (error) {
      this.#end()
      await stream.close().catch(() => {})
      throw error
    }
    this.#done = this.#run(stream)
  }

  #open(): ChangeStream {
    const stream = this.#collection.watch([...this.#pipeline], {
      fullDocument: 'updateLookup',
      maxAwaitTimeMS: openingAwaitMs,
      promoteLongs: false,
      ...(this.#token !== undefined && { resumeAfter: this.#token }),
    })
    stream.on('resumeTokenChanged', (token) => {
      this.#token = token
    })
    return stream
  }

  async #run(opened: ChangeStream): Promise<void> {
    const leave = this.#turns.join()
    const { signal } = this.#closing
    let stream: ChangeStream | undefined = opened
    signal.addEventListener('abort', () => void stream?.close().catch(() => {}))
    const read = async () => {
      stream ??= this.#open()
      try {
        return await this.#turns.tryNext(stream, signal)
      } catch (error) {
        // The driver resumes once and not for long; a stream that it gave up is opened again where it was. What an
        // answer that comes too late has read must not count as read.
        stream.removeAllListeners('resumeTokenChanged')
        void stream.close().catch(() => {})
        stream = undefined
        throw error
      }
    }
    try {
      // A stream whose source was dropped ends.
      while (!signal.aborted && stream?.closed !== true) await this.#deliver(await outlast(read, signal))
      for (const reader of this.#readers) reader.end()
    } catch (error) {
      for (const reader of this.#readers) reader.fail(toDatabaseError(error))
    } finally {
      leave()
      this.#end()
      await stream?.close().catch(() => {})
    }
  }

  async #deliver(event: Document | null): Promise<void> {
    if (event !== null) for (const reader of this.#readers) await reader.push(event, this.#closing.signal)
  }

  /** Whoever asks from now on gets a stream of its own. */
  #end(): void {
    this.#onEnd()
    this.#closing.abort()
  }
}

/** The events that wait for one reader. */
class Reader {
  readonly #waiting: Document[] = []
  #since: Timestamp | undefined
  #end: { error?: AppError } | undefined
  #wake: (() => void) | undefined
  #makeRoom: (() => void) | undefined
  /** Events handed out. */
  #taken = 0
  /** When it had no room, and what it had taken by then. */
  #full = { at: Number.NEGATIVE_INFINITY, taken: Number.NEGATIVE_INFINITY }

  ignoreUpTo(since: Timestamp | undefined): void {
    this.#since = since
  }

  /** Waits while there is no room. */
  async push(event: Document, signal: AbortSignal): Promise<void> {
    if (this.#end === undefined && this.#waiting.length >= maxWaiting) await this.#room(signal)
    if (this.#end !== undefined) return
    if (this.#waiting.length >= maxWaiting)
      this.fail(new AppError('BadRequest', 'the reader is too slow for this stream'))
    else this.#waiting.push(event)
    this.#wake?.()
  }

  /** Waits on while the reader takes, within `patienceMs`, as many as waited: one who trickles would hold up the others. */
  async #room(signal: AbortSignal): Promise<void> {
    const elapsed = () => performance.now() - this.#full.at
    if (elapsed() >= patienceMs && this.#taken - this.#full.taken >= maxWaiting)
      this.#full = { at: performance.now(), taken: this.#taken }
    const made = new AbortController()
    this.#makeRoom = () => made.abort()
    await sleep(patienceMs - elapsed(), AbortSignal.any([signal, made.signal]))
    this.#makeRoom = undefined
  }

  end(): void {
    this.#end ??= {}
    this.#wake?.()
    this.#makeRoom?.()
  }

  fail(error: AppError): void {
    this.#end ??= { error }
    this.#wake?.()
  }

  async next(): Promise<Document | undefined> {
    for (;;) {
      const event = this.#waiting.shift()
      if (event !== undefined) this.#taken++
      this.#makeRoom?.()
      if (event !== undefined && !this.#isPast(event)) return event
      if (event !== undefined) continue
      if (this.#end?.error !== undefined) throw this.#end.error
      if (this.#end !== undefined) return undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  #isPast({ clusterTime }: Document): boolean {
    return this.#since !== undefined && clusterTime?.lessThanOrEqual(this.#since) === true
  }
}
