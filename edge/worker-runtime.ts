import { MongoClient, type MongoClientOptions } from 'mongodb'
import { createRuntime } from '../runtime/create-runtime.ts'
import type { BuiltApp } from '../runtime/function-module.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { functionTimeoutMsOf, parseEdgeSettingsText } from '../schemas/edge-settings.ts'
import { driverTimeouts } from './driver-timeouts.ts'
import { mendHttpRequests } from './http-requests.ts'
import { mendSocketEnds } from './socket-ends.ts'
import { mendSocketTimeouts } from './socket-timeouts.ts'
import { secretsOf, type WorkerEnv } from './worker-env.ts'
import { logLine } from './worker-log.ts'

export type PoolOptions = Pick<
  MongoClientOptions,
  'maxPoolSize' | 'minPoolSize' | 'maxConnecting' | 'maxIdleTimeMS' | 'waitQueueTimeoutMS' | 'serverMonitoringMode'
>

/**
 * Pool of one object (spec: Workers and MongoDB 3): three monitors and three sockets stay within the six connections
 * that an object may have; polling saves a socket per node. How long a request waits for its turn at them is said in
 * `driverTimeouts`.
 */
export const requestPool: PoolOptions = {
  maxPoolSize: 3,
  minPoolSize: 1,
  maxConnecting: 2,
  maxIdleTimeMS: 60_000,
  serverMonitoringMode: 'poll',
}

/** Live streams take turns at the same number of sockets: nothing may exceed what the platform lets an object open. */
export const streamPool: PoolOptions = { ...requestPool, minPoolSize: 0 }

/** Functions of triggers wait for a socket rather than fail: nobody waits for an answer of theirs. */
export const triggerPool: PoolOptions = { ...streamPool, waitQueueTimeoutMS: 60_000 }

mendSocketTimeouts()
mendSocketEnds()
mendHttpRequests()

export function createWorkerRuntime(built: BuiltApp, env: WorkerEnv, pool: PoolOptions): Runtime {
  const functionTimeoutMs = functionTimeoutMsOf(parseEdgeSettingsText(env.EDGE_SETTINGS))
  const options = { ...driverTimeouts(functionTimeoutMs), ...pool }
  // The driver's option type extends Node's socket types, which a Worker's project does not load.
  const client = new MongoClient(env.MONGODB_URI, options as MongoClientOptions)
  return createRuntime({
    built,
    clientFor: () => client,
    stateClient: client,
    secrets: secretsOf(env),
    now: () => new Date(),
    fetch: (input, init) => fetch(input, init),
    log: logLine,
    allowPrivateHosts: env.EDGE_DEVELOPMENT === 'true',
    ...(functionTimeoutMs !== undefined && { functionTimeoutMs }),
  })
}
