import { Int32 } from 'bson'
import { describe, expect, it } from 'vitest'
import { compare } from '../../differential/compare.ts'
import type { Observed } from '../../differential/departures/departure.ts'
import {
  type Ask,
  anyOf,
  bothAgreeOn,
  oursAgreesOn,
  type Proof,
  serverAgreesOn,
  serverAgreesWithout,
} from '../../differential/departures/proof.ts'
import { mapCommands } from '../../differential/departures/rewrite.ts'
import { type Doc, literal } from '../../differential/generate/value.ts'
import type { Scenario } from '../../differential/scenario.ts'
import type { Observation } from '../../differential/server.ts'
import { toSnippet } from '../../differential/snippet.ts'

/** What a database does with commands of one number: the words it has for them, and what they leave behind. */
type Words = (say: number) => string

const numbers = (...says: number[]): Scenario => ({
  options: literal({}),
  indexes: [],
  documents: [],
  commands: says.map((say) => ({ command: literal({ find: 'things', say: new Int32(say) }), ordered: true })),
})

function observe(scenario: Scenario, words: Words, data: readonly string[] = []): Observation {
  return {
    answers: scenario.commands.map(({ command }) => ({
      summary: '',
      documents: [words(Number(command.get('say')))],
    })),
    data,
  }
}

function observed(scenario: Scenario, local: Words, server: Words, serverData: readonly string[] = []): Observed {
  const [a, b] = [observe(scenario, local), observe(scenario, server, serverData)]
  const difference = compare(scenario, a, b)
  if (!difference || difference.where === 'data') throw new Error('the answers do not differ')
  return {
    scenario,
    difference,
    command: scenario.commands[difference.where]?.command,
    local: a.answers[difference.where],
    server: b.answers[difference.where],
    localObservation: a,
    serverObservation: b,
    text: toSnippet(scenario),
  }
}

const asking = (local: Words, server: Words): Ask => ({
  local: async (scenario) => observe(scenario, local),
  server: async (scenario) => observe(scenario, server),
  agree: async (scenario) => compare(scenario, observe(scenario, local), observe(scenario, server)) === undefined,
})

const saying = (from: number, to: number) => (scenario: Scenario) =>
  mapCommands(
    scenario,
    (command): Doc => (Number(command.get('say')) === from ? new Map([...command, ['say', new Int32(to)]]) : command),
  )

const exact: Words = (say) => `${Math.abs(say)}`
/** Takes 2 for 3. */
const misreading: Words = (say) => exact(say === 2 ? 3 : say)
/** Takes everything for 9. */
const deaf: Words = () => '9'

const CASES: readonly (readonly [name: string, proof: Proof, scenario: Scenario, server: Words, holds: boolean])[] = [
  ['ours, asked for what the server reads, says the same', oursAgreesOn(saying(2, 3)), numbers(2), misreading, true],
  ['ours, asked for something else, says that', oursAgreesOn(saying(2, 4)), numbers(2), misreading, false],
  ['nothing is rewritten', oursAgreesOn(saying(7, 3)), numbers(2), misreading, false],
  ['commands before it stay as they are', oursAgreesOn(saying(2, 9)), numbers(9, 2), deaf, true],
  ['the server understands other words for it', serverAgreesOn(saying(2, -2)), numbers(2), misreading, true],
  ['ours answers something else to the other words', serverAgreesOn(saying(2, 5)), numbers(2), misreading, false],
  ['the server understands no words', serverAgreesOn(saying(2, -2)), numbers(2), deaf, false],
  ['the two agree without it', bothAgreeOn(saying(2, 5)), numbers(2), misreading, true],
  ['the two disagree without it too', bothAgreeOn(saying(2, 5)), numbers(2), deaf, false],
  ['nothing can be left out', serverAgreesWithout(() => []), numbers(2), misreading, false],
  [
    'what says nothing to ours is left out, the rest is kept',
    serverAgreesWithout(() => [saying(2, 5), saying(2, -2)]),
    numbers(2),
    misreading,
    true,
  ],
  ['one of several holds', anyOf(oursAgreesOn(saying(2, 4)), bothAgreeOn(saying(2, 5))), numbers(2), misreading, true],
  ['none of several holds', anyOf(oursAgreesOn(saying(2, 4)), serverAgreesOn(saying(2, 5))), numbers(2), deaf, false],
]

describe('the proof of a departure', () => {
  it('does not hold when the server answers other words for it as it did, whatever else explains that', async () => {
    const ask = { ...asking(exact, deaf), agree: async () => true }
    expect(await serverAgreesOn(saying(2, -2))(observed(numbers(2), exact, deaf), ask)).toBe(false)
  })

  it.each(CASES)('when %s', async (_name, proof, scenario, server, holds) => {
    expect(await proof(observed(scenario, exact, server), asking(exact, server))).toBe(holds)
  })

  it('leaves what commands before a read left behind to a proof of its own', async () => {
    const proof = oursAgreesOn(saying(2, 3))
    const read = observed(numbers(2), exact, misreading, ['left behind'])
    expect(await proof(read, asking(exact, misreading))).toBe(true)
    const write = { ...read, command: literal({ update: 'things' }) }
    expect(await proof(write, asking(exact, misreading))).toBe(false)
  })
})
