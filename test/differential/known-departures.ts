import type { Difference } from './compare.ts'
import type { Scenario } from './scenario.ts'
import type { Answer } from './server.ts'

/** What a departure is recognised by. */
export interface Observed {
  readonly scenario: Scenario
  readonly difference: Difference
  /** The answers to the command that differs; undefined when only the data differ. */
  readonly local: Answer | undefined
  readonly server: Answer | undefined
  /** Text of the scenario, for operators in it. */
  readonly text: string
}

export interface Departure {
  readonly name: string
  /** Why MongoDB's documentation, not DocumentDB, is followed. */
  readonly reason: string
  matches(observed: Observed): boolean
}

/** Where DocumentDB is not MongoDB. Each row says what MongoDB's documentation says. */
export const KNOWN_DEPARTURES: readonly Departure[] = [
  {
    name: 'not implemented',
    reason: 'DocumentDB refuses by name what it does not have; MongoDB has it',
    matches: ({ difference, server }) =>
      difference.kind === 'no error' &&
      server?.error !== undefined &&
      ([59, 115, 238, 40324].includes(server.error.code) ||
        /not (yet )?(supported|implemented)/i.test(server.error.message)),
  },
]
