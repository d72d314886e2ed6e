import type { Difference } from '../compare.ts'
import type { Doc } from '../generate/value.ts'
import type { Scenario } from '../scenario.ts'
import type { Answer, Observation } from '../server.ts'
import type { Proof } from './proof.ts'

/** What a departure is recognised by. */
export interface Observed {
  readonly scenario: Scenario
  readonly difference: Difference
  /** The command that differs; undefined when only the data differ. */
  readonly command: Doc | undefined
  /** The answers to the command that differs; undefined when only the data differ. */
  readonly local: Answer | undefined
  readonly server: Answer | undefined
  /** All that the two did. */
  readonly localObservation: Observation
  readonly serverObservation: Observation
  /** The scenario as a snippet, for operators in it. */
  readonly text: string
}

/** A place where the other server is not MongoDB. */
export interface Departure {
  readonly name: string
  /**
   * What MongoDB's documentation says, which decides, with the page and section that say it; where it is silent, that it
   * is, and which of MongoDB's own tests or sources decides. Then what the server does.
   */
  readonly reason: string
  matches(observed: Observed): boolean
  /** What must hold beside {@link matches}: further runs, so that the row explains nothing but its departure. */
  readonly proof?: Proof
}

/** True when the server refuses what ours takes, or what ours refuses for another reason. */
export function serverFails({ kind }: Difference): boolean {
  return kind === 'no error' || kind === 'error class'
}
