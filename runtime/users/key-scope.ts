import type { Namespace } from '../data/data-access.ts'
import { AppError } from '../errors.ts'
import { parseAddressRanges } from './address-ranges.ts'

/** What a server API key is limited to beside its role; absent parts do not limit. */
export interface KeyScope {
  readonly read_only?: boolean
  /** `collection` or `database.collection`. */
  readonly collections?: readonly string[]
  readonly expires_at?: Date
  /** CIDR ranges the key may be used from. */
  readonly cidrs?: readonly string[]
}

export function isExpired(scope: KeyScope | undefined, now: Date): boolean {
  return scope?.expires_at !== undefined && scope.expires_at <= now
}

/** @throws {AppError} `AuthError` (403) for a key that is used from elsewhere */
export function assertKeyAddress(scope: KeyScope | undefined, address: string): void {
  if (scope?.cidrs !== undefined && !parseAddressRanges(scope.cidrs).includes(address))
    throw new AppError('AuthError', 'this API key may not be used from this address', { status: 403 })
}

/** @throws {AppError} `NoMatchingRuleFound` (403) */
export function assertInScope(scope: KeyScope, ns: Namespace, effect: 'read' | 'write'): void {
  const name = `${ns.database}.${ns.collection}`
  if (scope.collections !== undefined && !scope.collections.some((one) => one === ns.collection || one === name))
    throw new AppError('NoMatchingRuleFound', `this API key may not use '${name}'`, { status: 403 })
  if (effect === 'write' && scope.read_only === true)
    throw new AppError('NoMatchingRuleFound', 'this API key may only read', { status: 403 })
}
