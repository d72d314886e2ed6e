import type { Namespace } from '../data/data-access.ts'
import { AppError } from '../errors.ts'
import { createConsole } from './globals/console.ts'
import type { LogBuffer } from './log-buffer.ts'

/** Spec: function runtime 8. */
export const maxAsyncOperations = 1000

/** Something a run opened and must not leave open: a session, a database cursor. */
type Release = () => Promise<void>

/**
 * One run of a function and of everything it calls: its limits, its log lines and what it opened. Never shared by two
 * calls from outside.
 */
export class Invocation {
  readonly logs: LogBuffer
  /** What the functions of the run share beside the `console`, which some of them extend. */
  readonly shared: object = {}
  readonly console: object
  /** Told of each namespace that the run writes to. */
  readonly onWrite: ((namespace: Namespace) => void) | undefined
  /** Aborts outbound requests once the time is up. */
  readonly signal: AbortSignal
  readonly #controller = new AbortController()
  readonly #timer: ReturnType<typeof setTimeout>
  readonly #expiry: Promise<never>
  readonly #releases = new Set<Release>()
  readonly #pending = new Set<Promise<unknown>>()
  #operations = 0
  #expired = false

  constructor(timeoutMs: number, logs: LogBuffer, onWrite?: (namespace: Namespace) => void) {
    this.logs = logs
    this.console = createConsole(logs)
    this.onWrite = onWrite
    this.signal = this.#controller.signal
    const { promise, reject } = Promise.withResolvers<never>()
    this.#expiry = promise
    promise.catch(() => {})
    this.#timer = setTimeout(() => {
      this.#expired = true
      this.#controller.abort()
      reject(timeLimitExceeded())
    }, timeoutMs)
  }

  /**
   * Starts one asynchronous operation of the function.
   *
   * @throws {AppError} `ExecutionTimeLimitExceeded` once the time is up, `FunctionExecutionError` beyond 1000 operations
   */
  run<T>(operation: () => Promise<T>): Promise<T> {
    return this.#tracked(this.#start(operation))
  }

  /** Goes on with an operation that `run` began. @throws {AppError} `ExecutionTimeLimitExceeded` */
  proceed<T>(operation: () => Promise<T>): Promise<T> {
    this.assertTimeLeft()
    return this.#tracked(operation())
  }

  #tracked<T>(promise: Promise<T>): Promise<T> {
    this.#pending.add(promise)
    const settled = () => this.#pending.delete(promise)
    // A function that does not await a call must not bring the host down with an unhandled rejection.
    promise.then(settled, settled)
    return promise
  }

  async #start<T>(operation: () => Promise<T>): Promise<T> {
    this.assertTimeLeft()
    this.#operations += 1
    if (this.#operations > maxAsyncOperations)
      throw new AppError('FunctionExecutionError', `exceeded max async work queue size of ${maxAsyncOperations}`)
    return operation()
  }

  /** @throws {AppError} `ExecutionTimeLimitExceeded` */
  assertTimeLeft(): void {
    if (this.#expired) throw timeLimitExceeded()
  }

  /** Resolves as `body` does, or rejects with `ExecutionTimeLimitExceeded` when the time is up first. */
  withinTime<T>(body: () => Promise<T>): Promise<T> {
    return Promise.race([body(), this.#expiry])
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
    while (this.#pending.size > 0 && !this.#expired) {
      await Promise.race([Promise.allSettled(this.#pending), this.#expiry.catch(() => {})])
      // What follows in the function may start the next operation.
      await new Promise((resolve) => setTimeout(resolve, 0))
    }
    clearTimeout(this.#timer)
    await Promise.allSettled([...this.#releases].map((release) => release()))
    this.#releases.clear()
  }
}

function timeLimitExceeded(): AppError {
  return new AppError('ExecutionTimeLimitExceeded', 'execution time limit exceeded')
}
