import { compare } from '../compare.ts'
import type { Scenario } from '../scenario.ts'
import type { Observation } from '../server.ts'
import { toSnippet } from '../snippet.ts'
import type { Observed } from './departure.ts'

/** What a proof may find out. */
export interface Ask {
  /** What our database does with another scenario. */
  local(scenario: Scenario): Promise<Observation>
  /** Whether the two agree on another scenario, other departures apart. */
  agree(scenario: Scenario): Promise<boolean>
}

export type Proof = (observed: Observed, ask: Ask) => Promise<boolean>
type Rewrite = (scenario: Scenario) => Scenario

/** Said in another way that means the same, ours answers the same, and the server agrees: only the first way is its own. */
export function serverAgreesOn(rewrite: Rewrite): Proof {
  return async ({ scenario, localObservation }, ask) => {
    const rewritten = rewrite(scenario)
    if (isSame(scenario, rewritten)) return false
    return compare(scenario, localObservation, await ask.local(rewritten)) === undefined && ask.agree(rewritten)
  }
}

/** Ours, asked for what the server seems to read, answers as the server did. */
export function oursAgreesOn(rewrite: Rewrite): Proof {
  return async ({ scenario, serverObservation }, ask) => {
    const rewritten = rewrite(scenario)
    if (isSame(scenario, rewritten)) return false
    return compare(scenario, await ask.local(rewritten), serverObservation) === undefined
  }
}

/** Without what was rewritten the two agree. */
export function bothAgreeOn(rewrite: Rewrite): Proof {
  return async ({ scenario }, ask) => {
    const rewritten = rewrite(scenario)
    return !isSame(scenario, rewritten) && ask.agree(rewritten)
  }
}

/** One of the proofs holds. */
export function anyOf(...proofs: readonly Proof[]): Proof {
  return async (observed, ask) => {
    for (const proof of proofs) if (await proof(observed, ask)) return true
    return false
  }
}

function isSame(a: Scenario, b: Scenario): boolean {
  return toSnippet(a) === toSnippet(b)
}
