import type { Namespace } from '../data/data-access.ts'
import { AppError } from '../errors.ts'
import { loopTurn } from '../function-module.ts'
import { createConsole } from './globals/console.ts'
import type { LogBuffer } from './log-buffer.ts'

/** Spec: function runtime 8. */
export const maxAsyncOperations = 1000

/**
 * Refusals of the run that it may catch before it is ended. One that catches errors in an endless loop would otherwise
 * go on without ever leaving the thread to anybody else.
 */
const maxRefusals = 100

/** How long a loop without end may keep the thread from everybody else; no timer can fire meanwhile. */
const maxHeldMs = 30_000

/** What a run that was ended gets for an answer, so that it never goes on. */
const unanswered = () => new Promise<never>(() => {})

/** Something a run opened and must not leave open: a session, a database cursor. */
type Release = () => Promise<void>

/**
 * One run of a function and of everything it calls: its limits, its log lines and what it opened. Never shared by two
 * calls from outside.
 */
export class Invocation {
  readonly logs: LogBuffer
  /** What the functions of the run share beside the `console`, which some of them extend. */
  readonly shared: object = { [loopTurn]: () => this.#turn() }
  readonly console: object
  /** Told of each namespace that the run writes to. */
  readonly onWrite: ((namespace: Namespace) => void) | undefined
  /** Aborts outbound requests once the time is up. */
  readonly signal: AbortSignal
  readonly #controller = new AbortController()
  readonly #timer: ReturnType<typeof setTimeout>
  /** Rejects when the run is ended from outside. */
  readonly #end: Promise<never>
  readonly #rejectEnd: (error: AppError) => void
  readonly #timeoutMs: number
  readonly #releases = new Set<Release>()
  readonly #pending = new Set<Promise<unknown>>()
  #operations = 0
  #ended = false
  /** When the loops without end began to hold the thread; undefined once others had a turn. */
  #heldSince: number | undefined

  constructor(timeoutMs: number, logs: LogBuffer, onWrite?: (namespace: Namespace) => void) {
    this.logs = logs
    this.console = createConsole(logs)
    this.onWrite = onWrite
    this.signal = this.#controller.signal
    const { promise, reject } = Promise.withResolvers<never>()
    this.#end = promise
    this.#rejectEnd = reject
    this.#timeoutMs = timeoutMs
    promise.catch(() => {})
    this.#timer = setTimeout(() => this.#endWith(timeLimitExceeded()), timeoutMs)
  }

  #endWith(error: AppError): void {
    this.#ended = true
    this.#controller.abort()
    this.#rejectEnd(error)
  }

  /**
   * Starts one asynchronous operation of the function. Never settles once the run is ended.
   *
   * @throws {AppError} `FunctionExecutionError` beyond 1000 operations
   */
  run<T>(operation: () => Promise<T>): Promise<T> {
    if (this.#operations === maxAsyncOperations + maxRefusals) this.#endWith(tooManyOperations())
    return this.#ended ? unanswered() : this.#tracked(this.#start(operation))
  }

  /** Goes on with an operation that `run` began. Never settles once the run is ended. */
  proceed<T>(operation: () => Promise<T>): Promise<T> {
    return this.enter(() => this.#tracked(operation()))
  }

  /** Does what is no operation of its own, such as calling another function; never settles once the run is ended. */
  enter<T>(step: () => T): T | Promise<never> {
    return this.#ended ? unanswered() : step()
  }

  #tracked<T>(promise: Promise<T>): Promise<T> {
    this.#pending.add(promise)
    const settled = () => this.#pending.delete(promise)
    // A function that does not await a call must not bring the host down with an unhandled rejection.
    promise.then(settled, settled)
    return promise
  }

  async #start<T>(operation: () => Promise<T>): Promise<T> {
    this.#operations += 1
    if (this.#operations > maxAsyncOperations) throw tooManyOperations()
    return operation()
  }

  /** One turn of a loop without end. @throws {AppError} `ExecutionTimeLimitExceeded` */
  #turn(): void {
    this.assertTimeLeft()
    const now = Date.now()
    if (this.#heldSince === undefined) {
      this.#heldSince = now
      setTimeout(() => {
        this.#heldSince = undefined
      }, 0)
    } else if (now - this.#heldSince > Math.min(maxHeldMs, this.#timeoutMs)) {
      this.#endWith(timeLimitExceeded())
      this.assertTimeLeft()
    }
  }

  /** @throws {AppError} `ExecutionTimeLimitExceeded` */
  assertTimeLeft(): void {
    if (this.#ended) throw timeLimitExceeded()
  }

  /**
   * Resolves as `body` does, or rejects when the run is ended first: with `ExecutionTimeLimitExceeded` when the time is
   * up, with `FunctionExecutionError` when it goes on after too many refused operations.
   */
  withinLimits<T>(body: () => Promise<T>): Promise<T> {
    return Promise.race([body(), this.#end])
  }

  /** Registers what `finish` must close; the result takes it back. */
  onFinish(release: Release): () => void {
    this.#releases.add(release)
    return () => this.#releases.delete(release)
  }

  /**
   * Lets what the function started and did not await come to its end, then closes sessions and cursors left open. Never
   * rejects.
   */
  async finish(): Promise<void> {
    while (this.#pending.size > 0 && !this.#ended) {
      await Promise.race([Promise.allSettled(this.#pending), this.#end.catch(() => {})])
      // What follows in the function may start the next operation.
      await new Promise((resolve) => setTimeout(resolve, 0))
    }
    clearTimeout(this.#timer)
    await Promise.allSettled([...this.#releases].map((release) => release()))
    this.#releases.clear()
  }
}

function tooManyOperations(): AppError {
  return new AppError('FunctionExecutionError', `exceeded max async work queue size of ${maxAsyncOperations}`)
}

function timeLimitExceeded(): AppError {
  return new AppError('ExecutionTimeLimitExceeded', 'execution time limit exceeded')
}
