import { encodeDocument } from '../bson/codec.ts'
import { valuesEqual } from '../bson/compare.ts'
import type { Doc } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'
import type { Change } from './change.ts'
import type { ChangeLog } from './change-log.ts'
import { type EventOptions, eventOf, invalidateEvent } from './event.ts'
import { type ResumePoint, resumeToken } from './resume-token.ts'
import { assertFits, isTooLarge, splitEvent } from './split.ts'

/** What a stream watches: everything, one database, or one collection. */
export interface StreamScope {
  readonly db?: string
  readonly collection?: string
}

function touches(scope: StreamScope, change: Change): boolean {
  if (change.collection.startsWith('tmp.agg_out.') && change.kind !== 'rename') return false
  if (change.collection.startsWith('system.')) return false
  if (scope.db === undefined) return change.db !== 'admin' && change.db !== 'config' && change.db !== 'local'
  if (scope.collection === undefined) return change.db === scope.db || renamesTo(change, scope)
  if (change.kind === 'dropDatabase') return false
  return (change.db === scope.db && change.collection === scope.collection) || renamesTo(change, scope)
}

function renamesTo(change: Change, scope: StreamScope): boolean {
  if (change.kind !== 'rename') return false
  const to = change.details.get('to') as Doc
  return to.get('db') === scope.db && (scope.collection === undefined || to.get('coll') === scope.collection)
}

function invalidates(scope: StreamScope, change: Change): boolean {
  if (scope.db === undefined) return false
  if (scope.collection === undefined) return change.kind === 'dropDatabase'
  return change.kind === 'drop' || change.kind === 'rename'
}

/** Reads the change log on behalf of one client, from a point on. */
export class ChangeStream {
  readonly live = true
  readonly awaitData = true
  readonly #log: ChangeLog
  readonly #scope: StreamScope
  readonly #options: EventOptions
  readonly #transform: ((events: Iterable<Doc>) => Iterable<Doc>) | undefined
  readonly #latestTime: () => number
  #position: number
  #point: ResumePoint
  #invalidated = false
  /** The last change was told; its invalidation follows. */
  #pendingInvalidate: Change | undefined
  #finished = false
  #output: Iterator<Doc> | undefined
  readonly #splits: boolean
  /** Of the event that is being told in fragments: those that are left, and the number of the next. */
  #fragments: { readonly all: readonly Uint8Array[]; next: number } | undefined
  /** Where the stream began. */
  readonly #start: ResumePoint

  /**
   * @param transform the rest of the pipeline
   * @param latestTime the newest cluster time, which a stream that has seen everything may resume from
   * @param splits events above 16 MB come in fragments; otherwise they are an error
   * @throws {DatabaseError} 286 ChangeStreamHistoryLost
   */
  constructor(
    log: ChangeLog,
    scope: StreamScope,
    options: EventOptions,
    point: ResumePoint,
    transform: ((events: Iterable<Doc>) => Iterable<Doc>) | undefined,
    latestTime: () => number,
    splits: boolean,
  ) {
    this.#log = log
    this.#scope = scope
    this.#options = options
    this.#point = point
    this.#start = point
    this.#transform = transform
    this.#latestTime = latestTime
    this.#splits = splits
    if (point.time < log.forgottenUntil) throw historyLost()
    this.#position = log.after(point.time - 1)
    this.#skipTold()
  }

  #skipTold(): void {
    const { time, position, told, fragment } = this.#point
    for (;;) {
      const change = this.#log.at(this.#position)
      if (!change || change.time !== time || change.position > position) return
      // The event is told again, but for the fragments that have been.
      if (change.position === position && fragment !== undefined) return
      if (
        change.position === position &&
        told === 'event' &&
        touches(this.#scope, change) &&
        invalidates(this.#scope, change)
      ) {
        this.#pendingInvalidate = change
      }
      this.#position++
    }
  }

  get finished(): boolean {
    return this.#finished
  }

  next(): Uint8Array | undefined {
    for (;;) {
      if (this.#finished) return undefined
      const fragment = this.#nextFragment()
      if (fragment) return fragment
      this.#output ??= this.#outputs()
      const { done, value } = this.#output.next()
      if (done) {
        this.#output = undefined
        if (this.#invalidated) this.#finished = true
        return undefined
      }
      if (!valuesEqual(value.get('_id'), resumeToken(this.#point))) {
        throw new DatabaseError(
          280,
          'Encountered an event whose _id field, which contains the resume token, was modified by the pipeline. Modifying the _id field of an event makes it impossible to resume the stream from that point. Only transformations that retain the unmodified _id field are allowed.',
        )
      }
      const event = encodeDocument(value)
      if (this.#splits && isTooLarge(event)) {
        const { time, position } = this.#point
        const all = splitEvent(value, (fragment) => resumeToken({ time, position, told: 'event', fragment }))
        const resumed = time === this.#start.time && position === this.#start.position
        this.#fragments = { all, next: resumed ? (this.#start.fragment ?? -1) + 1 : 0 }
        continue
      }
      assertFits(event)
      if (this.#invalidated) this.#finished = true
      return event
    }
  }

  #nextFragment(): Uint8Array | undefined {
    if (!this.#fragments) return undefined
    const { all, next } = this.#fragments
    const fragment = all[next]
    if (fragment === undefined) {
      this.#fragments = undefined
      return undefined
    }
    this.#point = { ...this.#point, fragment: next }
    this.#fragments.next++
    return fragment
  }

  #outputs(): Iterator<Doc> {
    const events = this.#events()
    return (this.#transform ? this.#transform(events) : events)[Symbol.iterator]()
  }

  /** The events that can be told now. */
  *#events(): Generator<Doc> {
    while (!this.#invalidated) {
      if (this.#pendingInvalidate) {
        const change = this.#pendingInvalidate
        this.#pendingInvalidate = undefined
        this.#point = { time: change.time, position: change.position, told: 'invalidate' }
        this.#invalidated = true
        yield invalidateEvent(change)
        return
      }
      if (this.#position < this.#log.start) throw historyLost()
      const change = this.#log.lasting(this.#position)
      if (!change) return
      this.#position++
      const event = touches(this.#scope, change) ? eventOf(change, this.#options) : undefined
      this.#point = { time: change.time, position: change.position, told: event ? 'event' : 'all' }
      if (event && invalidates(this.#scope, change)) this.#pendingInvalidate = change
      if (event) yield event
    }
  }

  /** `postBatchResumeToken`: up to where the stream has read. */
  fields(): Doc {
    const latest = this.#latestTime()
    const caughtUp = this.#position >= this.#log.end && !this.#pendingInvalidate && this.#point.told === 'all'
    if (caughtUp && latest > this.#point.time) this.#point = { time: latest, position: 0xffffffff, told: 'all' }
    return new Map([['postBatchResumeToken', resumeToken(this.#point)]])
  }

  wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const takeBack = this.#log.onNext(done)
      function done(): void {
        takeBack()
        signal.removeEventListener('abort', done)
        resolve()
      }
      if (signal.aborted) done()
      else signal.addEventListener('abort', done)
    })
  }
}

function historyLost(): DatabaseError {
  return new DatabaseError(
    286,
    'Resume of change stream was not possible, as the resume point may no longer be in the oplog.',
    { labels: ['NonResumableChangeStreamError'] },
  )
}
