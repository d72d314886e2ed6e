/**
 * - `running` acts; `standby` another runner acts, or nothing does yet
 * - `waiting` the stream was lost and is being reopened
 * - `suspended` stopped until resumed (spec: triggers 2.5)
 * - `unsupported` this server or this host cannot run it
 * - `invalid` its configuration cannot run
 */
export type TriggerState = 'running' | 'standby' | 'waiting' | 'suspended' | 'unsupported' | 'invalid' | 'disabled'

export interface TriggerStatus {
  readonly name: string
  readonly type: 'DATABASE' | 'SCHEDULED' | 'AUTHENTICATION'
  readonly state: TriggerState
  /** Why it does not run. */
  readonly reason?: string
}

export interface TriggerRunnerStatus {
  /** True when this runner holds the lease. */
  readonly active: boolean
  readonly triggers: readonly TriggerStatus[]
  /** One line for each cause that keeps triggers from running, for `/ready`. */
  readonly reasons: readonly string[]
}

/** One line a cause, with the triggers it concerns. */
export function statusReasons(triggers: readonly TriggerStatus[]): string[] {
  const byReason = new Map<string, string[]>()
  for (const { name, reason, state } of triggers) {
    if (reason === undefined || state === 'disabled') continue
    byReason.set(reason, [...(byReason.get(reason) ?? []), name])
  }
  return [...byReason].map(([reason, names]) => `triggers ${names.join(', ')}: ${reason}`)
}
