import type { Document } from 'bson'
import type { MongoClient } from 'mongodb'
import type { Caller } from '../../../../runtime/caller.ts'
import { createRuntime } from '../../../../runtime/create-runtime.ts'
import type { BuiltApp, FunctionFactory } from '../../../../runtime/function-module.ts'
import type { LogEntry } from '../../../../runtime/log.ts'
import type { Runtime, RuntimeOptions } from '../../../../runtime/runtime.ts'
import { systemUser, type User } from '../../../../runtime/user.ts'
import type { AppDefinition, FunctionConfig } from '../../../../schemas/app/definition.ts'

/** A function file as an app folder holds it, wrapped as the build wraps it. */
export function factoryOf(source: string): FunctionFactory {
  const parameters = ['context', 'BSON', 'EJSON', 'utils', 'require', 'console', 'exports', 'module', '__edgeShared']
  return new Function(...parameters, `${source}\n;return exports`) as FunctionFactory
}

export function functionConfig(name: string, config: Partial<FunctionConfig> = {}): FunctionConfig {
  return {
    name,
    private: false,
    can_evaluate: true,
    disable_arg_logs: false,
    run_as_system: true,
    run_as_user_id: '',
    run_as_user_id_script: '',
    listed: true,
    ...config,
  }
}

export interface TestApp {
  /** Source by function name, or source and settings. */
  readonly functions: Readonly<Record<string, string | ({ source: string } & Partial<FunctionConfig>)>>
  readonly definition?: Partial<AppDefinition>
  readonly packages?: BuiltApp['packages']
  readonly broken?: BuiltApp['broken']
  readonly options?: Partial<RuntimeOptions>
}

export function builtApp(app: TestApp): BuiltApp {
  const entries = Object.entries(app.functions).map(([name, value]) => {
    const { source, ...config } = typeof value === 'string' ? { source: value } : value
    return { name, factory: factoryOf(source), config: functionConfig(name, config) }
  })
  return {
    definition: {
      name: 'shop',
      clientAppId: 'shop-abcde',
      appId: '5f0000000000000000000001',
      groupId: '5f0000000000000000000002',
      location: 'US-VA',
      deploymentModel: 'LOCAL',
      providerRegion: 'aws-us-east-1',
      environment: '',
      environmentValues: {},
      allowedRequestOrigins: [],
      dataSources: [{ name: 'mongodb-atlas', type: 'mongodb-atlas', collections: [] }],
      functions: entries.map(({ config }) => config),
      triggers: [],
      endpoints: [],
      authProviders: {},
      values: [],
      ...app.definition,
    },
    functions: Object.fromEntries(entries.map(({ name, factory }) => [name, factory])),
    broken: app.broken ?? {},
    packages: app.packages ?? {},
  }
}

/** A runtime over `client` and the log entries it wrote. */
export function startApp(client: MongoClient, app: TestApp): { runtime: Runtime; log: LogEntry[] } {
  const log: LogEntry[] = []
  const runtime = createRuntime({
    built: builtApp(app),
    clientFor: () => client,
    stateClient: client,
    secrets: {},
    now: () => new Date('2026-01-02T03:04:05.000Z'),
    fetch: () => Promise.reject(new Error('no network in tests')),
    log: (entry) => log.push(entry),
    ...app.options,
  })
  return { runtime, log }
}

export const systemCaller: Caller = { user: systemUser, runAsSystem: true, request: {}, requestId: 'r1' }

export function userCaller(user: Partial<User> = {}, requestId = 'r1'): Caller {
  return {
    user: { id: '64b000000000000000000001', type: 'normal', data: {}, custom_data: {}, identities: [], ...user },
    runAsSystem: false,
    request: {},
    requestId,
  }
}

export type { Document }
