import type { ChangeStream, Document, MongoClient } from 'mongodb'
import type { DatabaseTrigger } from '../../schemas/app/definition.ts'
import { codeOf } from '../data/database-error.ts'
import { toFunctionValue } from '../functions/values.ts'
import type { LogEntry } from '../log.ts'
import { sleep } from '../sleep.ts'
import { awaitTurnsOf, openingAwaitMs } from '../streams/await-turns.ts'
import { nextOf } from '../streams/next-of.ts'
import { eventOperations, sourceOf, type WatchPlan, watchPlan } from './change-pipeline.ts'
import type { FireOutcome } from './fire.ts'
import type { Lease } from './lease.ts'
import type { Pauses } from './pauses.ts'
import { Progress } from './progress.ts'
import type { TriggerState } from './status.ts'
import { classifyStreamError } from './stream-error.ts'
import type { StreamPlan } from './stream-plan.ts'
import type { TriggerStore } from './trigger-store.ts'

/** An idle stream's position is stored this often, so that it does not fall out of the server's history. */
const idleStoreMs = 30_000
const firstBackoffMs = 250
const maxBackoffMs = 30_000
const leasePollMs = 50
const namespaceNotFound = 26

export interface DatabaseStreamOptions {
  readonly client: MongoClient
  readonly store: TriggerStore
  readonly stateDatabase: string
  readonly lease: Lease
  /** Ended when a database that was away answers again. */
  readonly pauses: Pauses
  readonly plan: StreamPlan
  /** Events of unordered triggers in work at a time. */
  readonly concurrency: number
  readonly now: () => Date
  readonly log: (entry: LogEntry) => void
  /** Runs the function; never rejects. */
  fire(trigger: DatabaseTrigger, event: unknown): Promise<FireOutcome>
  onState(triggers: readonly DatabaseTrigger[], state: TriggerState, reason?: string): void
}

/** Told apart from failures of the database: the stream must not go on. */
class Stopped extends Error {}

/** One change stream and the triggers it serves, from opening to suspension. */
export class DatabaseStream {
  readonly #options: DatabaseStreamOptions
  readonly #plan: WatchPlan
  readonly #first: DatabaseTrigger
  readonly #names: readonly string[]
  readonly #abort = new AbortController()
  #token: Document | undefined
  #stored = 0
  #opened: (() => void) | undefined
  /** Resolves when the stream is open, or known not to open for now. */
  readonly ready: Promise<void>
  #done: Promise<void> = Promise.resolve()

  constructor(options: DatabaseStreamOptions) {
    const [first] = options.plan.triggers
    if (first === undefined) throw new RangeError('a stream serves at least one trigger')
    this.#options = options
    this.#first = first
    this.#names = options.plan.triggers.map(({ name }) => name)
    this.#plan = watchPlan(first, options.plan.operations, options.stateDatabase)
    this.#token = options.plan.token
    this.ready = new Promise((resolve) => {
      this.#opened = resolve
    })
  }

  get triggers(): readonly DatabaseTrigger[] {
    return this.#options.plan.triggers
  }

  start(): void {
    this.#done = this.#run().finally(() => this.#opened?.())
  }

  /** Ends the stream and waits for the function that runs. */
  async stop(): Promise<void> {
    this.#abort.abort()
    await this.#done
  }

  async #run(): Promise<void> {
    let backoffMs = firstBackoffMs
    while (!this.#abort.signal.aborted) {
      try {
        await this.#preparePreImages()
        await this.#consume(() => {
          backoffMs = firstBackoffMs
        })
        return
      } catch (error) {
        if (error instanceof Stopped || this.#abort.signal.aborted) return
        // What could not be stored is found again when the stream is reopened.
        if (!(await this.#recover(error).catch(() => true))) return
        this.#opened?.()
        await this.#options.pauses.sleep(backoffMs * (0.5 + Math.random() / 2), this.#abort.signal)
        backoffMs = Math.min(backoffMs * 2, maxBackoffMs)
      }
    }
  }

  /** @returns true when the stream should be opened again */
  async #recover(error: unknown): Promise<boolean> {
    const { log, onState, plan } = this.#options
    const failure = classifyStreamError(error)
    if (failure === 'unsupported') {
      onState(plan.triggers, 'unsupported', 'the database has no change streams, so database triggers do not run')
      return false
    }
    if (failure === 'lost' || failure === 'refused') {
      const what = failure === 'lost' ? 'the change stream was lost' : 'the database refused the change stream'
      onState(plan.triggers, 'waiting', `${what} and is being asked again${codeNameOf(error)}`)
      return true
    }
    if (this.#first.config.tolerate_resume_errors) {
      log({
        type: 'trigger',
        status: 'error',
        name: this.#names.join(', '),
        error: 'the resume position is no longer in the history of the database; changes since then were missed',
      })
      this.#token = undefined
      await this.#store(undefined)
      return true
    }
    await this.#suspend('the resume position is no longer in the history of the database', undefined)
    return false
  }

  async #suspend(reason: string, token: Document | undefined): Promise<void> {
    const { store, lease, now, log, onState, plan } = this.#options
    await store.suspend(this.#names, { reason, at: now() }, token, lease.fence)
    onState(plan.triggers, 'suspended', reason)
    log({ type: 'trigger', status: 'error', name: this.#names.join(', '), error: `suspended: ${reason}` })
  }

  /** Pre-images are off by default; switching them on needs a right that the user may lack. */
  async #preparePreImages(): Promise<void> {
    const { database, collection, full_document_before_change: wanted } = this.#first.config
    if (!wanted || collection === '') return
    const db = this.#options.client.db(database)
    const changeStreamPreAndPostImages = { enabled: true }
    try {
      await db.command({ collMod: collection, changeStreamPreAndPostImages }).catch(async (error: unknown) => {
        if (codeOf(error) !== namespaceNotFound) throw error
        await db.createCollection(collection, { changeStreamPreAndPostImages })
      })
    } catch (error) {
      this.#options.log({
        type: 'trigger',
        status: 'error',
        name: this.#names.join(', '),
        error: `pre-images of ${database}.${collection} could not be switched on; fullDocumentBeforeChange may be absent`,
        detail: { code: codeOf(error) },
      })
    }
  }

  #watch(): ChangeStream {
    const { client } = this.#options
    const { database, collection } = this.#first.config
    // startAfter, unlike resumeAfter, also continues behind an invalidate event.
    const options = {
      ...this.#plan.options,
      maxAwaitTimeMS: openingAwaitMs,
      ...(this.#token === undefined ? {} : { startAfter: this.#token }),
    }
    const pipeline = [...this.#plan.pipeline]
    if (database === '') return client.watch(pipeline, options)
    if (collection === '') return client.db(database).watch(pipeline, options)
    return client.db(database).collection(collection).watch(pipeline, options)
  }

  async #consume(onProgress: () => void): Promise<void> {
    const stream = this.#watch()
    const close = () => void stream.close().catch(() => {})
    this.#abort.signal.addEventListener('abort', close)
    const work = new Work()
    const turns = awaitTurnsOf(this.#options.client)
    const leave = turns.join()
    try {
      let event = await this.#open(stream)
      while (!this.#abort.signal.aborted) {
        onProgress()
        work.assertGood()
        if (event === null) await this.#storeIdle(stream, work)
        else if (event.operationType === 'invalidate') {
          await work.finished()
          await this.#suspend('the watched collection or database was dropped or renamed', tokenOf(event))
          return
        } else await this.#handle(event, work)
        event = await turns.tryNext(stream, this.#abort.signal)
        // A cursor that the server ended answers at once and for ever that there is nothing.
        if (event === null && stream.closed && !this.#abort.signal.aborted) throw new Error('the stream ended')
      }
    } finally {
      leave()
      await work.finished()
      this.#abort.signal.removeEventListener('abort', close)
      // Not waited for: the connection may be dead without a word.
      close()
    }
  }

  /**
   * Waits for the server's first answer: from then on no change is missed. A stream without a position gets that one.
   *
   * @returns the first event, or null when the first wait brought none
   */
  async #open(stream: ChangeStream): Promise<Document | null> {
    const { onState, plan } = this.#options
    // Sent only for an empty batch, so it stands before every event to come.
    const emptyBatch = new Promise<Document>((resolve) => stream.once('resumeTokenChanged', resolve))
    const first = nextOf(stream)
    const answer = await Promise.race([emptyBatch.then((token) => ({ token })), first.then(() => undefined)])
    if (this.#token === undefined && answer !== undefined && isToken(answer.token)) await this.#store(answer.token)
    onState(plan.triggers, 'running')
    this.#opened?.()
    return first
  }

  async #handle(event: Document, work: Work): Promise<void> {
    await this.#leaseHeld()
    const finish = work.progress.begin(tokenOf(event))
    const done = this.#fireAll(event)
      .then(finish)
      .then(() => this.#advance(work.progress))
    await (this.#first.config.unordered ? work.add(done, this.#options.concurrency) : done)
  }

  /** Renewal may be late; then nothing is started until it is certain again that no other runner acts. */
  async #leaseHeld(): Promise<void> {
    while (!this.#options.lease.held && !this.#abort.signal.aborted) await sleep(leasePollMs, this.#abort.signal)
    if (this.#abort.signal.aborted) throw new Stopped()
  }

  async #fireAll(event: Document): Promise<void> {
    const { plan } = this.#options
    const interested = plan.triggers.filter((trigger) => eventOperations(trigger).includes(String(event.operationType)))
    await Promise.all(interested.map((trigger) => this.#fireOne(trigger, event)))
  }

  /** A change is not done while the database that its function needs does not answer. */
  async #fireOne(trigger: DatabaseTrigger, event: Document): Promise<void> {
    let backoffMs = firstBackoffMs
    while ((await this.#options.fire(trigger, this.#argument(event))) === 'unavailable') {
      await this.#options.pauses.sleep(backoffMs, this.#abort.signal)
      backoffMs = Math.min(backoffMs * 2, maxBackoffMs)
      await this.#leaseHeld()
    }
  }

  /** The function's own copy of the event. */
  #argument(event: Document): unknown {
    const { _id: id, ...rest } = event
    return toFunctionValue(this.#plan.hidesId ? rest : { _id: id, ...rest })
  }

  async #advance(progress: Progress): Promise<void> {
    const token = progress.advance()
    if (token !== undefined) await this.#store(token)
  }

  async #storeIdle(stream: ChangeStream, work: Work): Promise<void> {
    const token = stream.resumeToken
    if (work.progress.size > 0 || !isToken(token) || performance.now() - this.#stored < idleStoreMs) return
    await this.#leaseHeld()
    await this.#store(token)
  }

  async #store(token: Document | undefined): Promise<void> {
    const { store, lease } = this.#options
    // Kept even if the write fails: reopening after a lost connection must not repeat what was done.
    this.#token = token
    this.#stored = performance.now()
    if (!(await store.storePosition(this.#names, token, lease.fence, sourceOf(this.#first)))) throw new Stopped()
  }
}

/** Events in work: one at a time when ordered, up to a limit when not. */
class Work {
  readonly progress = new Progress()
  readonly #running = new Set<Promise<void>>()
  #failure: { error: unknown } | undefined

  async add(done: Promise<void>, limit: number): Promise<void> {
    const tracked: Promise<void> = done
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => this.#running.delete(tracked))
    this.#running.add(tracked)
    if (this.#running.size >= limit) await Promise.race(this.#running)
  }

  /** @throws what storing a position of an unordered stream threw */
  assertGood(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  async finished(): Promise<void> {
    await Promise.all(this.#running)
  }
}

function isToken(token: unknown): token is Document {
  return typeof token === 'object' && token !== null
}

function tokenOf(event: Document): Document {
  if (!isToken(event._id)) throw new TypeError('a change event has no resume token')
  return event._id
}

/** ` (Unauthorized)`: the server's name of an error says what to mend and holds no address. */
function codeNameOf(error: unknown): string {
  return error instanceof Error && 'codeName' in error && typeof error.codeName === 'string'
    ? ` (${error.codeName})`
    : ''
}
