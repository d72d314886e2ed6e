import { AppError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { defaultStateDatabase } from '../users/state.ts'
import type { Namespace } from './data-access.ts'

const serverDatabases = new Set(['admin', 'config', 'local'])

/**
 * Key hashes, password hashes and sessions lie in the edge's own database, beside the app's: whoever could write there
 * could be anybody. No client reaches it, whatever roles say and whoever it runs as.
 *
 * @throws {AppError} `NoMatchingRuleFound` (403), as for any collection without rules
 */
export function assertNotOwnState(runtime: Runtime, ns: Namespace): void {
  if (ns.database === (runtime.options.stateDatabase ?? defaultStateDatabase)) throw noRule(ns)
}

/** True for the server's own databases, which a default role does not mean. */
export function isServerDatabase(database: string): boolean {
  return serverDatabases.has(database)
}

/**
 * True for the collections in which the server keeps views, profiles and buckets: what they hold is of other
 * collections, whose own rules they would go round.
 */
export function isServerCollection(name: string): boolean {
  return name.startsWith('system.')
}

export function noRule({ database, collection }: Namespace): AppError {
  return new AppError('NoMatchingRuleFound', `no rule exists for namespace '${database}.${collection}'`, {
    status: 403,
  })
}
