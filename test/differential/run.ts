import fc from 'fast-check'
import { compare, type Difference } from './compare.ts'
import type { Departure, Observed } from './departures/departure.ts'
import { KNOWN_DEPARTURES } from './departures/list.ts'
import type { Ask } from './departures/proof.ts'
import { scenario as scenarios } from './generate/scenario.ts'
import type { Scenario } from './scenario.ts'
import { type DifferentialServer, type Observation, ServerDownError } from './server.ts'
import { covers, type Signature, signatureOf } from './signature.ts'
import { toSnippet } from './snippet.ts'

export interface DifferentialResult {
  /** Commands run on both servers, those of shrinking not counted. */
  readonly operations: number
  readonly scenarios: number
  /** Differences that no departure explains, each shrunk, one of a kind. */
  readonly differences: number
  /** How many scenarios each departure explained, by its name; a departure that explained none is there with 0. */
  readonly known: ReadonlyMap<string, number>
}

/** What can be put through a scenario. */
export type Observer = Pick<DifferentialServer, 'observe'>

export interface DifferentialOptions {
  readonly operations: number
  readonly seed: number
  /** Stops after so many differences. */
  readonly maxDifferences: number
  /** Runs only scenarios made of these commands. */
  readonly only?: readonly string[] | undefined
  /** The differences that need no report; {@link KNOWN_DEPARTURES} by default. */
  readonly departures?: readonly Departure[]
  report(difference: Difference, scenario: Scenario): void
  /**
   * Called when the server went down under a scenario: resolves when it is up again, rejects when it stays away.
   * Without it the run ends there.
   */
  revive?(scenario: Scenario): Promise<void>
}

/** The row of {@link DifferentialResult.known} for what ended the server itself. */
export const SERVER_WENT_DOWN = 'the server went down'

/** Between the seeds of rounds, so that a round of one seed is not the start of the next. */
const SEED_STRIDE = 1_000_003

/** How many departures one command may show at once: each proof but the last may need another departure. */
const MOST_DOUBTED = 3

/** Undefined when there is no difference. */
type Outcome = { readonly known: string } | Difference | undefined

/**
 * Runs generated scenarios on both servers until `operations` commands have run, and shrinks what differs.
 * The same seed generates the same scenarios.
 *
 * @throws {ServerDownError} when the server goes down and nothing revives it
 */
export async function runDifferential(
  local: Observer,
  server: Observer,
  options: DifferentialOptions,
): Promise<DifferentialResult> {
  const { only, departures = KNOWN_DEPARTURES } = options
  const arbitrary = only
    ? scenarios.filter(({ commands }) => commands.every(({ command }) => only.includes([...command.keys()][0] ?? '')))
    : scenarios
  const known = new Map([...departures.map(({ name }) => name), SERVER_WENT_DOWN].map((name) => [name, 0]))
  const signatures: Signature[] = []
  let operations = 0
  let scenarioCount = 0
  let differences = 0

  /** Ours must not go down, whatever it is asked. */
  async function observeLocal(scenario: Scenario): Promise<Observation> {
    try {
      return await local.observe(scenario)
    } catch (error) {
      if (!(error instanceof ServerDownError)) throw error
      throw new Error(`the local database went down\n${toSnippet(scenario)}`, { cause: error })
    }
  }

  async function outcomeOf(scenario: Scenario): Promise<Outcome> {
    try {
      return await differenceOf(scenario)
    } catch (error) {
      if (!(error instanceof ServerDownError) || !options.revive) throw error
      await options.revive(scenario)
    }
    // Once more: something else may have taken it down.
    try {
      return await differenceOf(scenario)
    } catch (error) {
      if (!(error instanceof ServerDownError)) throw error
      await options.revive(scenario)
      return { known: SERVER_WENT_DOWN }
    }
  }

  /** @param doubted departures that may not explain it: those whose proof asks */
  async function differenceOf(scenario: Scenario, doubted: readonly Departure[] = []): Promise<Outcome> {
    const [a, b] = await Promise.all([observeLocal(scenario), server.observe(scenario)])
    const difference = compare(scenario, a, b)
    if (!difference) return undefined
    const { where } = difference
    const isLast = where === 'data' || where === scenario.commands.length - 1
    // What follows the command that differs must not stand in the way of its explanation.
    const upToIt = isLast ? scenario : withCommands(scenario, (index) => index <= where)
    const again = isLast ? undefined : await differenceOf(upToIt, doubted)
    // What does not differ again is explained by what was seen.
    const outcome = again ?? (await explained(observedOf(upToIt, difference, a, b), doubted))
    if (!('known' in outcome) || where === 'data' || scenario.commands.length === 1) return outcome
    const rest = await differenceOf(
      withCommands(scenario, (index) => index !== where),
      doubted,
    )
    return rest && !('known' in rest) ? rest : outcome
  }

  async function explained(observed: Observed, doubted: readonly Departure[]): Promise<NonNullable<Outcome>> {
    for (const departure of departures) {
      if (doubted.includes(departure) || !departure.matches(observed)) continue
      if (!departure.proof) return { known: departure.name }
      if (doubted.length === MOST_DOUBTED) continue
      const ask: Ask = {
        local: observeLocal,
        server: (scenario) => server.observe(scenario),
        async agree(scenario) {
          const outcome = await differenceOf(scenario, [...doubted, departure])
          return outcome === undefined || 'known' in outcome
        },
      }
      if (await departure.proof(observed, ask)) return { known: departure.name }
    }
    return observed.difference
  }

  for (let round = 0; operations < options.operations && differences < options.maxDifferences; round++) {
    let failing = false
    const property = fc.asyncProperty(arbitrary, async (scenario) => {
      if (!failing && operations >= options.operations) return
      const outcome = await outcomeOf(scenario)
      if (!failing) {
        operations += scenario.commands.length
        scenarioCount++
        if (outcome && 'known' in outcome) known.set(outcome.known, (known.get(outcome.known) ?? 0) + 1)
      }
      if (!outcome || 'known' in outcome) return
      const signature = signatureOf(scenario, outcome)
      if (signatures.some((seen) => covers(seen, signature))) return
      failing = true
      throw new DifferenceError(outcome)
    })
    const details = await fc.check(property, {
      numRuns: Math.max(1, options.operations - operations),
      seed: options.seed + round * SEED_STRIDE,
      endOnFailure: false,
    })
    const [counterexample] = details.counterexample ?? []
    if (!details.failed || !counterexample) continue
    if (!(details.errorInstance instanceof DifferenceError)) throw details.errorInstance
    differences++
    signatures.push(signatureOf(counterexample, details.errorInstance.difference))
    options.report(details.errorInstance.difference, counterexample)
  }
  return { operations, scenarios: scenarioCount, differences, known }
}

function withCommands(scenario: Scenario, keeps: (index: number) => boolean): Scenario {
  return { ...scenario, commands: scenario.commands.filter((_, index) => keeps(index)) }
}

class DifferenceError extends Error {
  override readonly name = 'DifferenceError'
  readonly difference: Difference

  constructor(difference: Difference) {
    super(difference.kind)
    this.difference = difference
  }
}

function observedOf(scenario: Scenario, difference: Difference, a: Observation, b: Observation): Observed {
  const { where } = difference
  return {
    scenario,
    difference,
    command: where === 'data' ? undefined : scenario.commands[where]?.command,
    local: where === 'data' ? undefined : a.answers[where],
    server: where === 'data' ? undefined : b.answers[where],
    localObservation: a,
    serverObservation: b,
    text: toSnippet(scenario),
  }
}
