import { compare } from '../compare.ts'
import type { Doc } from '../generate/value.ts'
import type { Scenario } from '../scenario.ts'
import type { Observation } from '../server.ts'
import { toSnippet } from '../snippet.ts'
import type { Observed } from './departure.ts'

/** What a proof may find out. */
export interface Ask {
  /** What our database does with another scenario. */
  local(scenario: Scenario): Promise<Observation>
  /** What the other server does with another scenario. */
  server(scenario: Scenario): Promise<Observation>
  /** Whether the two agree on another scenario, other departures apart. */
  agree(scenario: Scenario): Promise<boolean>
}

export type Proof = (observed: Observed, ask: Ask) => Promise<boolean>
type Rewrite = (scenario: Scenario) => Scenario

/**
 * Said in another way that means the same, ours answers the same, and the server otherwise than before: it agrees, so
 * that only the first way is its own.
 */
export function serverAgreesOn(rewrite: Rewrite): Proof {
  return async ({ scenario, localObservation, serverObservation }, ask) => {
    const rewritten = rewrite(scenario)
    if (isSame(scenario, rewritten)) return false
    if (compare(scenario, localObservation, await ask.local(rewritten)) !== undefined) return false
    // What it answers as before is another departure's, which agreement leaves apart.
    const after = await ask.server(rewritten)
    const isAsBefore =
      compare(scenario, serverObservation, after) === undefined &&
      serverObservation.answers.every(({ error }, index) => error?.message === after.answers[index]?.error?.message)
    return !isAsBefore && ask.agree(rewritten)
  }
}

/** Ours, asked for what the server seems to read in the command that differs, answers as the server did. */
export function oursAgreesOn(rewrite: Rewrite): Proof {
  return async ({ scenario, difference: { where }, command, serverObservation }, ask) => {
    const rewritten = where === 'data' ? rewrite(scenario) : rewriteOne(scenario, where, rewrite)
    if (isSame(scenario, rewritten)) return false
    const ours = await ask.local(rewritten)
    // What commands before a read left behind is compared without it.
    const data = isRead(command) ? ours.data : serverObservation.data
    return compare(scenario, ours, { ...serverObservation, data }) === undefined
  }
}

/** Without what was rewritten the two agree. */
export function bothAgreeOn(rewrite: Rewrite): Proof {
  return async ({ scenario }, ask) => {
    const rewritten = rewrite(scenario)
    return !isSame(scenario, rewritten) && ask.agree(rewritten)
  }
}

/**
 * What the commands say in vain, ours answering the same without it, is the server's own: without all of that it agrees.
 *
 * @param cuts the scenario with one part less each; a cut of a scenario that lacks the part leaves it as it is
 */
export function serverAgreesWithout(cuts: (scenario: Scenario) => readonly Rewrite[]): Proof {
  return async ({ scenario, localObservation }, ask) => {
    let rest = scenario
    for (const cut of cuts(scenario)) {
      const less = cut(rest)
      if (compare(scenario, localObservation, await ask.local(less)) === undefined) rest = less
    }
    return !isSame(scenario, rest) && ask.agree(rest)
  }
}

/** One of the proofs holds. */
export function anyOf(...proofs: readonly Proof[]): Proof {
  return async (observed, ask) => {
    for (const proof of proofs) if (await proof(observed, ask)) return true
    return false
  }
}

/** The scenario with one command rewritten, and the collection under it if that is rewritten too. */
function rewriteOne(scenario: Scenario, where: number, rewrite: Rewrite): Scenario {
  const rewritten = rewrite(scenario)
  return {
    ...rewritten,
    commands: scenario.commands.map(
      (command, index) => (index === where ? rewritten.commands[index] : command) ?? command,
    ),
  }
}

function isRead(command: Doc | undefined): boolean {
  const stages = [command?.get('pipeline')].flat()
  const writes = stages.some((stage) => stage instanceof Map && (stage.has('$merge') || stage.has('$out')))
  return !writes && ['find', 'aggregate', 'count', 'distinct'].some((name) => command?.has(name))
}

function isSame(a: Scenario, b: Scenario): boolean {
  return toSnippet(a) === toSnippet(b)
}
