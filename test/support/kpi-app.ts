import type { MongoClient } from 'mongodb'
import { loadAppFolder } from '../../cli/app-folder/index.ts'
import { repositoryRoot } from '../../cli/own-app.ts'
import backfillKpiSnapshots from '../../functions/backfillKpiSnapshots.ts'
import computeKpiCohorts from '../../functions/computeKpiCohorts.ts'
import computeKpiMovements from '../../functions/computeKpiMovements.ts'
import computeKpiSnapshot from '../../functions/computeKpiSnapshot.ts'
import explainKpi from '../../functions/explainKpi.ts'
import getCurrentMetrics from '../../functions/getCurrentMetrics.ts'
import importSubscriptionHistory from '../../functions/importSubscriptionHistory.ts'
import nightlyKpiSnapshot from '../../functions/nightlyKpiSnapshot.ts'
import recordSubscriptionChange from '../../functions/recordSubscriptionChange.ts'
import serveCurrentKpis from '../../functions/serveCurrentKpis.ts'
import serveKpiCohorts from '../../functions/serveKpiCohorts.ts'
import serveKpiDefinitions from '../../functions/serveKpiDefinitions.ts'
import serveKpiMovements from '../../functions/serveKpiMovements.ts'
import serveKpiSnapshots from '../../functions/serveKpiSnapshots.ts'
import verifyKpiSnapshots from '../../functions/verifyKpiSnapshots.ts'
import { createRuntime } from '../../runtime/create-runtime.ts'
import type { BuiltApp, FunctionFactory } from '../../runtime/function-module.ts'
import type { LogEntry } from '../../runtime/log.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { systemUser, type User } from '../../runtime/user.ts'
import type { DataSource } from '../../schemas/app/definition.ts'
import { withOwnDatabase } from './own-database.ts'

/** A function of the app, as its file exports it. */
export type Handler = (context: never, ...args: never[]) => unknown

/** The KPI functions of the app, imported, not compiled. */
export const kpiHandlers = {
  backfillKpiSnapshots,
  computeKpiCohorts,
  computeKpiMovements,
  computeKpiSnapshot,
  explainKpi,
  getCurrentMetrics,
  importSubscriptionHistory,
  nightlyKpiSnapshot,
  recordSubscriptionChange,
  serveCurrentKpis,
  serveKpiCohorts,
  serveKpiDefinitions,
  serveKpiMovements,
  serveKpiSnapshots,
  verifyKpiSnapshots,
} satisfies Record<string, Handler>

function factoryOf(handler: Handler): FunctionFactory {
  return (context) =>
    (...args: unknown[]) =>
      Reflect.apply(handler, undefined, [context, ...args])
}

/** Our own app folder: who may call what, and who may read which collection. */
const { definition } = await loadAppFolder(repositoryRoot)

export interface KpiApp {
  readonly runtime: Runtime
  readonly logs: LogEntry[]
  /** Calls a function as the system and resolves to what it returns. */
  call(name: keyof typeof kpiHandlers | string, ...args: unknown[]): Promise<unknown>
  /** Calls the function of an endpoint as a user with this role, and resolves to what the caller would receive. */
  serve(name: keyof typeof kpiHandlers, query: Record<string, string>, role?: string): Promise<Served>
}

export interface Served {
  readonly status: number
  /** What was set as the body, parsed, else what the function returned. */
  readonly body: unknown
}

/**
 * The real runtime over imported handlers; `database` stands for `bi_dashboard`.
 *
 * @param insides functions of a test's own, to reach what no function of the app does; each under the name of one
 * @param dataSources those of the app, unless others are given
 */
export function createKpiApp(
  client: MongoClient,
  database: string,
  insides: Record<string, Handler> = {},
  dataSources: readonly DataSource[] = definition.dataSources,
): KpiApp {
  const logs: LogEntry[] = []
  const built: BuiltApp = {
    definition: { ...definition, dataSources: [...dataSources] },
    functions: Object.fromEntries(
      Object.entries<Handler>({ ...kpiHandlers, ...insides }).map(([name, handler]) => [name, factoryOf(handler)]),
    ),
    broken: {},
    packages: {},
  }
  const own = withOwnDatabase(client, database)
  const runtime = createRuntime({
    built,
    clientFor: () => own,
    stateClient: client,
    stateDatabase: `${database}_edge`,
    secrets: {},
    now: () => new Date(),
    fetch,
    log: (entry) => logs.push(entry),
  })
  return {
    runtime,
    logs,
    call: (name, ...args) =>
      runtime.callFunction(
        name,
        args,
        { user: systemUser, runAsSystem: true, request: {}, requestId: 'test' },
        'system',
      ),
    async serve(name, query, role) {
      let [status, body]: [number, string | undefined] = [200, undefined]
      const response = {
        setStatusCode: (code: number) => {
          status = code
        },
        setBody: (text: string) => {
          body = text
        },
        setHeader: () => {},
        addHeader: () => {},
      }
      const user: User = {
        id: '0000000000000000000000aa',
        type: 'server',
        data: {},
        custom_data: role === undefined ? {} : { role },
        identities: [],
      }
      const returned = await runtime.callFunction(
        name,
        [{ query, headers: {}, body: undefined }, response],
        { user, runAsSystem: false, request: {}, requestId: 'test' },
        'endpoint',
      )
      return { status, body: body === undefined ? returned : JSON.parse(body) }
    },
  }
}
