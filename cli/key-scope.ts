import { parseAddressRanges } from '../runtime/users/address-ranges.ts'
import type { KeyScope } from '../runtime/users/key-scope.ts'
import { type CommandContext, optionalOption, UsageError } from './command.ts'

export const keyScopeOptions = {
  'read-only': { type: 'boolean' },
  collections: { type: 'string' },
  expires: { type: 'string' },
  ip: { type: 'string' },
} as const

export const keyScopeUsage = '[--read-only] [--collections a,db.b] [--expires 2027-01-01] [--ip 203.0.113.0/24,...]'

/** The scope that the options of a command describe. @throws {UsageError} */
export function readKeyScope(context: CommandContext, now: Date): KeyScope {
  const collections = readList(context, 'collections')
  const cidrs = readList(context, 'ip')
  const expires = optionalOption(context, 'expires')
  if (cidrs !== undefined) assertRanges(cidrs)
  return {
    ...(context.values['read-only'] === true && { read_only: true }),
    ...(collections !== undefined && { collections }),
    ...(expires !== undefined && { expires_at: readInstant(expires, now) }),
    ...(cidrs !== undefined && { cidrs }),
  }
}

/** A scope in words, for lists; '' for none. */
export function describeKeyScope(scope: KeyScope): string {
  return [
    scope.read_only ? 'read-only' : '',
    scope.collections ? `only ${scope.collections.join(',')}` : '',
    scope.expires_at ? `until ${scope.expires_at.toISOString()}` : '',
    scope.cidrs ? `from ${scope.cidrs.join(',')}` : '',
  ]
    .filter((part) => part !== '')
    .join(', ')
}

function readList(context: CommandContext, name: string): string[] | undefined {
  const text = optionalOption(context, name)
  if (text === undefined) return undefined
  const items = text.split(',').map((item) => item.trim())
  // An empty list would be a key for nothing, or, misread, for everything.
  if (items.some((item) => item === '')) throw new UsageError(`--${name} is a list with commas, without empty parts`)
  return items
}

function assertRanges(cidrs: readonly string[]): void {
  try {
    parseAddressRanges(cidrs)
  } catch (error) {
    throw new UsageError(`--ip: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function readInstant(text: string, now: Date): Date {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text)
  const isInstant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(text)
  const instant = new Date(text)
  const isReal = !Number.isNaN(instant.getTime()) && (!isDay || instant.toISOString().startsWith(text))
  if (!(isDay || isInstant) || !isReal)
    throw new UsageError('--expires is a day (2027-01-01, when it begins in UTC) or an instant with its zone')
  if (instant <= now) throw new UsageError('--expires lies in the past')
  return instant
}
