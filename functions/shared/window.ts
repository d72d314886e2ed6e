import { type Instant, subtractMonths } from '../../domain/instant.ts'
import { monthWindowMs } from '../../domain/kpi/active-users.ts'

/** The instants that a snapshot compares. */
export interface Window {
  readonly asOf: Instant
  readonly windowFrom: Instant
  readonly days30Ago: Instant
  readonly months12Ago: Instant
}

export function windowOf(asOf: Instant, windowFrom: Instant = asOf - monthWindowMs): Window {
  return { asOf, windowFrom, days30Ago: asOf - monthWindowMs, months12Ago: subtractMonths(asOf, 12) }
}
