import type { CollectionConfig, JsonObject, Role, RuleFilter } from '../../schemas/app/definition.ts'
import type { Namespace } from '../data/data-access.ts'
import { findDataSource } from '../data/data-source.ts'
import { assertNotOwnState, isServerCollection, isServerDatabase, noRule } from '../data/reserved-databases.ts'
import type { Runtime } from '../runtime.ts'
import { choices } from './choices.ts'

/** The rules in force for one collection. */
export interface CollectionRules {
  readonly roles: readonly Role[]
  readonly filters: readonly RuleFilter[]
  readonly schema: JsonObject | undefined
}

/**
 * Selects a collection's rules: its own when it defines a role, else the data source's default (spec: rules 2).
 *
 * @throws {AppError} `NoMatchingRuleFound` (403); `ServiceNotFound` and `ServiceTypeNotFound` for the data source
 */
export function selectRules(runtime: Runtime, ns: Namespace): CollectionRules {
  const source = findDataSource(runtime, ns.service)
  assertNotOwnState(runtime, ns)
  const own = source.collections.find((config) => isOf(config, ns))
  const schema = own?.schema && Object.keys(own.schema).length > 0 ? own.schema : undefined
  if (own?.rules && own.rules.roles.length > 0) return { ...own.rules, schema }
  const isServers = isServerDatabase(ns.database) || isServerCollection(ns.collection)
  const inherited = isServers ? undefined : source.default_rule
  if (inherited && inherited.roles.length > 0) {
    const ownFilters = choices.filtersWithoutRolesApply ? (own?.rules?.filters ?? []) : []
    return { roles: inherited.roles, filters: [...inherited.filters, ...ownFilters], schema }
  }
  throw noRule(ns)
}

function isOf(config: CollectionConfig, ns: Namespace): boolean {
  return config.database === ns.database && config.collection === ns.collection
}
