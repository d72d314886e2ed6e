import fc from 'fast-check'
import { compare, type Difference } from './compare.ts'
import { scenario as scenarios } from './generate/scenario.ts'
import { type Departure, KNOWN_DEPARTURES } from './known-departures.ts'
import type { Scenario } from './scenario.ts'
import type { DifferentialServer, Observation } from './server.ts'
import { toSnippet } from './snippet.ts'

export interface DifferentialResult {
  /** Commands run on both servers, those of shrinking not counted. */
  readonly operations: number
  /** Differences that no departure explains, each shrunk, one of a kind. */
  readonly differences: number
  /** Operations that differed in a known way, by the name of the departure. */
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
  report(difference: Difference, scenario: Scenario): void
}

/** Digits in which two servers must agree where libraries of mathematics may round the last ones apart. */
const TOLERANT_DIGITS = 13

/**
 * Runs generated scenarios on both servers until `operations` commands have run, and shrinks what differs.
 * The same seed generates the same scenarios.
 */
export async function runDifferential(
  local: Observer,
  server: Observer,
  options: DifferentialOptions,
): Promise<DifferentialResult> {
  const { only } = options
  const arbitrary = only
    ? scenarios.filter(({ commands }) => commands.every(({ command }) => only.includes([...command.keys()][0] ?? '')))
    : scenarios
  const known = new Map<string, number>()
  const signatures: Signature[] = []
  let operations = 0
  let differences = 0

  const difference = async (scenario: Scenario): Promise<Difference | Departure | undefined> => {
    const [a, b] = await Promise.all([local.observe(scenario), server.observe(scenario)])
    const exact = compare(scenario, a, b)
    if (!exact) return undefined
    const departure = departureOf(scenario, exact, a, b)
    if (departure) return departure
    if (exact.kind !== 'result' && exact.kind !== 'data') return exact
    const [roundedA, roundedB] = await Promise.all([
      local.observe(scenario, TOLERANT_DIGITS),
      server.observe(scenario, TOLERANT_DIGITS),
    ])
    return compare(scenario, roundedA, roundedB) ? exact : LAST_DIGITS
  }

  function departureOf(scenario: Scenario, found: Difference, a: Observation, b: Observation): Departure | undefined {
    const index = found.where === 'data' ? -1 : found.where
    const observed = {
      scenario,
      difference: found,
      local: a.answers[index],
      server: b.answers[index],
      localAnswers: a.answers,
      serverAnswers: b.answers,
      text: toSnippet(scenario),
    }
    return KNOWN_DEPARTURES.find((departure) => departure.matches(observed))
  }

  for (let round = 0; operations < options.operations && differences < options.maxDifferences; round++) {
    let failing = false
    const property = fc.asyncProperty(arbitrary, async (scenario) => {
      const outcome = await difference(scenario)
      if (!failing) {
        operations += scenario.commands.length
        if (outcome && 'matches' in outcome) known.set(outcome.name, (known.get(outcome.name) ?? 0) + 1)
      }
      if (!outcome || 'matches' in outcome) return
      const signature = signatureOf(scenario, outcome)
      if (signatures.some((seen) => covers(seen, signature))) return
      failing = true
      throw new DifferenceError(outcome)
    })
    const numRuns = Math.max(1, Math.ceil((options.operations - operations) / 1.5))
    const details = await fc.check(property, { numRuns, seed: options.seed + round, endOnFailure: false })
    const [counterexample] = details.counterexample ?? []
    if (!details.failed || !counterexample) continue
    if (!(details.errorInstance instanceof DifferenceError)) throw details.errorInstance
    differences++
    signatures.push(signatureOf(counterexample, details.errorInstance.difference))
    options.report(details.errorInstance.difference, counterexample)
  }
  return { operations, differences, known }
}

class DifferenceError extends Error {
  override readonly name = 'DifferenceError'
  readonly difference: Difference

  constructor(difference: Difference) {
    super(difference.kind)
    this.difference = difference
  }
}

const LAST_DIGITS: Departure = {
  name: 'last digits',
  reason: `results agree in ${TOLERANT_DIGITS} digits; MongoDB documents no more for its mathematical functions`,
  matches: () => true,
}

/** What makes a difference one of its kind: how it shows, and the operators and commands of its smallest form. */
interface Signature {
  readonly kind: string
  readonly words: ReadonlySet<string>
}

function signatureOf(scenario: Scenario, { kind }: Difference): Signature {
  const words = toSnippet({ ...scenario, documents: [] }).match(
    /\$\w+|\b(find|aggregate|update|findAndModify|insert|distinct|count|delete|createIndexes)(?=: ')/g,
  )
  return { kind, words: new Set(words ?? []) }
}

function covers(seen: Signature, found: Signature): boolean {
  return seen.kind === found.kind && [...seen.words].every((word) => found.words.has(word))
}
