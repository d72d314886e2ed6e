import type { MongoClient } from 'mongodb'
import type { Caller } from './caller.ts'
import type { DataAccess, Namespace } from './data/data-access.ts'
import type { BuiltApp } from './function-module.ts'
import type { Log } from './log.ts'
import type { AuthenticationEvent } from './triggers/authentication.ts'

/** Everything the runtime may not reach for by itself (design decision 3). */
export interface RuntimeOptions {
  readonly built: BuiltApp
  /** The client of a data source, by service name. One process-wide client may serve all of them. */
  readonly clientFor: (service: string) => MongoClient
  /** The database of the edge itself: users, key hashes, sessions, trigger positions. Default name `atlas_edge`. */
  readonly stateClient: MongoClient
  readonly stateDatabase?: string
  readonly secrets: Readonly<Record<string, string>>
  readonly now: () => Date
  readonly fetch: typeof fetch
  readonly log: Log
  /** Milliseconds a function may run; default 300,000. */
  readonly functionTimeoutMs?: number
  /** Lets `context.http` reach loopback and private addresses, but no metadata service; default false. */
  readonly allowPrivateHosts?: boolean
}

/** How a function is reached: clients may not call private functions, everyone else may. */
export type CallSource = 'client' | 'endpoint' | 'trigger' | 'function' | 'rule' | 'system'

export interface CallOptions {
  /** Told of each namespace that the function, or one it calls, writes to. */
  readonly onWrite?: (namespace: Namespace) => void
}

/** One app, ready to serve. Knows neither HTTP nor Workers. */
export interface Runtime {
  readonly built: BuiltApp
  readonly options: RuntimeOptions
  /** The data path of one caller: the system's when `caller.runAsSystem`. */
  dataAccess(caller: Caller): DataAccess
  /**
   * Resolves the function's run-as settings and `can_evaluate`, runs it and awaits its result. Arguments and result are
   * JS values with BSON types; a returned cursor arrives as an array.
   *
   * @throws {AppError} `FunctionNotFound`, `FunctionExecutionError`, `NotCallable`, `ExecutionTimeLimitExceeded`, ...
   */
  callFunction(
    name: string,
    args: readonly unknown[],
    caller: Caller,
    source: CallSource,
    options?: CallOptions,
  ): Promise<unknown>
  /** A plain value or the secret it names; undefined when unknown. */
  value(name: string): unknown
  readonly triggers: {
    /** Runs the authentication triggers that the event concerns. Never rejects; their errors are in the log. */
    authentication(event: AuthenticationEvent): Promise<void>
  }
}
