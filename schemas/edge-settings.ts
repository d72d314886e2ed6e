import * as z from 'zod'
import { identityProviders } from './app/identity-providers.ts'

/** What a policy counts together: logins and registrations, signed calls of an identity provider, the rest by effect. */
export const doors = ['login', 'sync', 'read', 'write'] as const
export type Door = (typeof doors)[number]

/** A document of hit times is rewritten at each hit: larger limits belong to the memory of the host. */
const maxSharedLimit = 10_000

const limitPolicy = z
  .strictObject({
    /** Shown in `RateLimit` headers. An entry with the name of a default replaces it. */
    name: z.string().regex(/^[a-z0-9-]{1,40}$/),
    door: z.enum(doors),
    /** Whose hits count together. A request without such a subject is not counted. */
    per: z.enum(['key', 'user', 'address']),
    limit: z.int().min(1).max(1_000_000),
    windowSeconds: z.int().min(1).max(86_400),
    /**
     * `shared`: exact over all hosts, one round trip to the database; `local`: exact in each host. Default: shared for
     * logins and sync, local for the rest.
     */
    store: z.enum(['shared', 'local']).optional(),
    /** When the database does not answer: 503, or counted in memory. Default: closed for logins and sync. */
    onFailure: z.enum(['closed', 'open']).optional(),
  })
  .transform((policy) => {
    const isSensitive = policy.door === 'login' || policy.door === 'sync'
    const store: 'shared' | 'local' = policy.store ?? (isSensitive ? 'shared' : 'local')
    const onFailure: 'closed' | 'open' = policy.onFailure ?? (isSensitive ? 'closed' : 'open')
    return { ...policy, store, onFailure }
  })
  .refine((policy) => policy.store === 'local' || policy.limit <= maxSharedLimit, {
    error: `a shared limit is at most ${maxSharedLimit}`,
    path: ['limit'],
  })

export type LimitPolicy = z.output<typeof limitPolicy>

/** What operators set for an edge beside the app: `EDGE_SETTINGS`, as JSON. */
export const edgeSettings = z.strictObject({
  /** Issuers beside those of the app's value `identityProviders`. */
  identityProviders: identityProviders.default([]),
  /** Address ranges that may use the app at all; empty: everyone. */
  allowedCidrs: z.array(z.string()).default([]),
  limits: z.array(limitPolicy).default([]),
  /** How long a function may run; default 300, as on App Services. */
  functionTimeoutSeconds: z.number().positive().max(3600).optional(),
  /** How long after its runner died another runs the triggers; default 10. */
  triggerLeaseSeconds: z.number().min(1).max(300).optional(),
  /** How often the function of a trigger is run again when it throws; default 0, as on App Services. */
  triggerRetries: z.int().min(0).max(10).optional(),
  /** Changes of one unordered trigger in work at a time; default 100, and 10 on Workers. */
  triggerConcurrency: z.int().min(1).max(10_000).optional(),
  /** False: a schedule is skipped while its run before goes on; default true, as on App Services. */
  triggerOverlap: z.boolean().optional(),
})

export type EdgeSettings = z.output<typeof edgeSettings>
export type EdgeSettingsInput = z.input<typeof edgeSettings>

/** The time limit of functions in milliseconds, where one is set. */
export function functionTimeoutMsOf({ functionTimeoutSeconds }: EdgeSettings): number | undefined {
  return functionTimeoutSeconds === undefined ? undefined : functionTimeoutSeconds * 1000
}

export interface TriggerOptions {
  leaseMs?: number
  retries?: number
  concurrency?: number
  allowOverlap?: boolean
}

/** The settings of a trigger runner, where some are set. */
export function triggerOptionsOf(settings: EdgeSettings): TriggerOptions {
  const { triggerLeaseSeconds, triggerRetries, triggerConcurrency, triggerOverlap } = settings
  return {
    ...(triggerLeaseSeconds !== undefined && { leaseMs: triggerLeaseSeconds * 1000 }),
    ...(triggerRetries !== undefined && { retries: triggerRetries }),
    ...(triggerConcurrency !== undefined && { concurrency: triggerConcurrency }),
    ...(triggerOverlap !== undefined && { allowOverlap: triggerOverlap }),
  }
}

/** @throws {TypeError} which setting is wrong and why */
export function parseEdgeSettings(value: unknown): EdgeSettings {
  const parsed = edgeSettings.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new TypeError(`EDGE_SETTINGS: ${issue?.path.join('.') || 'the object'}: ${issue?.message ?? 'invalid'}`)
}

/** As `parseEdgeSettings`, from the text of a variable; none: no settings. @throws {TypeError} */
export function parseEdgeSettingsText(text: string | undefined): EdgeSettings {
  if (text === undefined || text === '') return parseEdgeSettings({})
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new TypeError('EDGE_SETTINGS: is not JSON')
  }
  return parseEdgeSettings(value)
}
