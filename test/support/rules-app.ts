import type { Document } from 'bson'
import { MongoClient } from 'mongodb'
import type { Caller } from '../../runtime/caller.ts'
import { createRuntime } from '../../runtime/create-runtime.ts'
import type { DataAccess, Namespace } from '../../runtime/data/data-access.ts'
import type { FunctionFactory } from '../../runtime/function-module.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { systemUser, type User } from '../../runtime/user.ts'
import type { AppDefinition, DataSource, JsonObject, RuleSet } from '../../schemas/app/definition.ts'
import { captureLog } from './captured-log.ts'
import { startTestDatabase } from './database.ts'

export const service = 'mongodb-atlas'

/** The users of the worked decisions. */
export const users = {
  ann: {
    id: 'a1',
    type: 'normal',
    data: { email: 'ann@x.io' },
    custom_data: { role: 'admin', teams: ['t1'] },
    identities: [],
  },
  bob: { id: 'b2', type: 'normal', data: { email: 'bob@x.io' }, custom_data: {}, identities: [] },
  key: { id: 'k9', type: 'server', data: {}, custom_data: {}, identities: [] },
} as const satisfies Record<string, User>

export type UserName = keyof typeof users

/** What a test says of a collection; expressions in the spelling of the exported files. */
export interface CollectionRulesSource {
  roles?: Document[]
  filters?: Document[]
  schema?: JsonObject
  /** Roles of the data source's `default_rule.json`. */
  defaults?: Document[]
}

export interface RulesTestApp {
  readonly client: MongoClient
  readonly database: string
  /** A fresh collection with these rules and documents. */
  collection(rules: CollectionRulesSource, documents?: Document[]): Promise<Namespace>
  /** The runtime with the rules given so far. */
  runtime(): Runtime
  data(user: UserName | User | 'system'): DataAccess
  close(): Promise<void>
}

/** A database of its own and an app whose collections get their rules from the tests. */
export async function startRulesApp(
  name: string,
  functions: Record<string, FunctionFactory> = {},
): Promise<RulesTestApp> {
  const server = await startTestDatabase()
  const client = new MongoClient(server.uri)
  const database = `rules_${name}_${process.pid}_${Math.trunc(Math.random() * 1e6)}`
  const source: DataSource = { name: service, type: 'mongodb-atlas', clusterName: 'Cluster0', collections: [] }
  const runtime = createRuntime({
    built: { definition: definitionOf(source, functions), functions, broken: {}, packages: {} },
    clientFor: () => client,
    stateClient: client,
    stateDatabase: `${database}_state`,
    secrets: {},
    now: () => new Date('2026-01-01T00:00:00Z'),
    fetch: () => Promise.reject(new Error('offline')),
    log: captureLog,
  })
  let created = 0
  return {
    client,
    database,
    runtime: () => runtime,
    async collection({ roles, filters = [], schema, defaults }, documents = []) {
      const collection = `c${created++}`
      const rules = roles || filters.length > 0 ? ({ roles: roles ?? [], filters } as unknown as RuleSet) : undefined
      source.collections.push({
        database,
        collection,
        ...(rules ? { rules } : {}),
        ...(schema ? { schema } : {}),
      })
      if (defaults) source.default_rule = { roles: defaults, filters: [] } as unknown as RuleSet
      else delete source.default_rule
      if (documents.length > 0) await client.db(database).collection(collection).insertMany(documents)
      return { service, database, collection }
    },
    data: (user) => runtime.dataAccess(callerOf(user)),
    async close() {
      await client.db(database).dropDatabase()
      await client.close()
      await server.close()
    },
  }
}

export function callerOf(user: UserName | User | 'system'): Caller {
  const resolved = user === 'system' ? systemUser : typeof user === 'string' ? users[user] : user
  return { user: resolved, runAsSystem: user === 'system', request: {}, requestId: 'test' }
}

function definitionOf(source: DataSource, functions: Record<string, FunctionFactory>): AppDefinition {
  return {
    name: 'rules',
    clientAppId: 'rules-local',
    appId: '0'.repeat(24),
    groupId: '0'.repeat(24),
    location: 'US-VA',
    deploymentModel: 'GLOBAL',
    providerRegion: 'aws-us-east-1',
    environment: '',
    environmentValues: {},
    allowedRequestOrigins: [],
    dataSources: [source],
    functions: Object.keys(functions).map((name) => ({
      name,
      private: true,
      can_evaluate: {},
      disable_arg_logs: true,
      run_as_system: false,
      run_as_user_id: '',
      run_as_user_id_script: '',
      listed: true,
    })),
    triggers: [],
    endpoints: [],
    authProviders: {},
    values: [{ name: 'allowed', from_secret: false, value: ['x', 'y'] }],
  }
}
