import type { Namespace } from '../data/data-access.ts'
import { AppError } from '../errors.ts'
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
  /** Told of each namespace that the run writes to. */
  readonly onWrite: ((namespace: Namespace) => void) | undefined
  /** Aborts outbound requests once the time is up. */
  readonly signal: AbortSignal
  readonly #controller = new AbortController()
  readonly #timeoutMs: number
  readonly #releases = new Set<Release>()
  readonly #pending = new Set<Promise<unknown>>()
  #operations = 0
  #expired = false

  constructor(timeoutMs: number, logs: LogBuffer, onWrite?: (namespace: Namespace) => void) {
    this.#timeoutMs = timeoutMs
    this.logs = logs
    this.onWrite = onWrite
    this.signal = this.#controller.signal
  }

  /**
   * Starts one asynchronous operation of the function.
   *
   * @throws {AppError} `ExecutionTimeLimitExceeded` once the time is up, `FunctionExecutionError` beyond 1000 operations
   */
  run<T>(operation: () => Promise<T>): Promise<T> {
    const promise = this.#start(operation)
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
  async withinTime<T>(body: () => Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const expiry = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#expired = true
        this.#controller.abort()
        reject(timeLimitExceeded())
      }, this.#timeoutMs)
    })
    try {
      return await Promise.race([body(), expiry])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Registers what `end` must close; the result takes it back. */
  onEnd(release: Release): () => void {
    this.#releases.add(release)
    return () => this.#releases.delete(release)
  }

  /** Waits for operations that the function started and did not await. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0 && !this.#expired) await Promise.allSettled(this.#pending)
  }

  /** Closes sessions and cursors left open. Never rejects. */
  async end(): Promise<void> {
    const releases = [...this.#releases]
    this.#releases.clear()
    await Promise.allSettled(releases.map((release) => release()))
  }
}

function timeLimitExceeded(): AppError {
  return new AppError('ExecutionTimeLimitExceeded', 'execution time limit exceeded')
}
