import type { ClientSession } from 'mongodb'
import { toDatabaseError } from '../../data/database-error.ts'
import type { Invocation } from '../invocation.ts'
import { driverErrorOf, toServiceError } from './errors.ts'

const driverSessions = new WeakMap<object, ClientSession>()

/** The driver's session behind the one a function passed; undefined when it passed none. */
export function driverSessionOf(session: unknown): ClientSession | undefined {
  if (session === undefined || session === null) return undefined
  const driverSession = typeof session === 'object' ? driverSessions.get(session) : undefined
  if (driverSession === undefined)
    throw new TypeError('options.session must come from startSession() of the same service')
  return driverSession
}

/** `startSession()` of a service: transactions as in the Node driver. Ended with the run if the function forgets. */
export class FunctionSession {
  readonly #invocation: Invocation
  readonly #session: ClientSession
  readonly #release: () => void

  constructor(invocation: Invocation, session: ClientSession) {
    this.#invocation = invocation
    this.#session = session
    this.#release = invocation.onFinish(() => session.endSession())
    driverSessions.set(this, session)
  }

  withTransaction<T>(body: (session: FunctionSession) => Promise<T>, options?: object): Promise<T> {
    return this.#invocation.enter(() => this.#withTransaction(body, options))
  }

  async #withTransaction<T>(body: (session: FunctionSession) => Promise<T>, options?: object): Promise<T> {
    let caught: { error: unknown; driverError: Error } | undefined
    try {
      return await this.#session.withTransaction(async () => {
        try {
          return await body(this)
        } catch (error) {
          const driverError = driverErrorOf(error)
          if (driverError === undefined) throw error
          caught = { error, driverError }
          // The driver retries a transaction by the labels of its own error.
          throw driverError
        }
      }, options)
    } catch (error) {
      throw caught !== undefined && caught.driverError === error ? caught.error : toServiceError(toDatabaseError(error))
    }
  }

  startTransaction(options?: object): void {
    this.#session.startTransaction(options)
  }

  commitTransaction(): Promise<void> {
    return this.#invocation.run(() => asServiceCall(() => this.#session.commitTransaction()))
  }

  /** Without a transaction under way it does nothing: `withTransaction` has ended its own, and its error must show. */
  async abortTransaction(): Promise<void> {
    if (!this.#session.inTransaction()) return
    await this.#invocation.run(() => asServiceCall(() => this.#session.abortTransaction()))
  }

  inTransaction(): boolean {
    return this.#session.inTransaction()
  }

  async endSession(): Promise<void> {
    this.#release()
    await this.#session.endSession()
  }
}

async function asServiceCall(call: () => Promise<void>): Promise<void> {
  try {
    await call()
  } catch (error) {
    throw toServiceError(toDatabaseError(error))
  }
}
